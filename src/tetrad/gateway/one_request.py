"""One request on its way through: which identity answers it, and what becomes of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex

from starlette.requests import Request

from tetrad.canonical import Json
from tetrad.errors import BadRequest, EngineRefused
from tetrad.gateway.fleet import Followed
from tetrad.gateway.following import Following
from tetrad.gateway.loaded import LoadedIdentity
from tetrad.gateway.refusing import RequestRefused
from tetrad.pointer import Pointer
from tetrad.results.trace import Trace
from tetrad.schemas.nearest import did_you_mean

_LOG = logging.getLogger("tetrad.gateway")


@dataclass(frozen=True, kw_only=True, slots=True)
class Addressed:
    """What is known of a request once it is read: which identity answers it, and stays with it."""

    stack: str  # reference
    loaded: LoadedIdentity
    deployment: str  # environment/number
    trace: str

    @property
    def headers(self) -> Mapping[str, str]:
        return {
            "x-tetrad-identity": self.loaded.name,
            "x-tetrad-deployment": self.deployment,
        }


def addressed(request: Request, following: Following, model: str, user: str | None) -> Addressed:
    """Choose the identity that answers; RequestRefused where there is none."""
    followed = following_now(following)
    stack = stack_named(followed.pointer, model)
    loaded = followed.chosen(stack, _sticky(request, user))
    return Addressed(
        stack=stack,
        loaded=loaded,
        deployment=followed.deployment,
        trace=request.state.trace,
    )


def following_now(following: Following) -> Followed:
    """The pointer that is followed; RequestRefused before there is one."""
    followed = following.fleet.followed
    if followed is None:
        raise RequestRefused(
            503,
            f"not ready: {following.readiness.problem.splitlines()[0]}",
            code="not_ready",
            headers={"Retry-After": "5"},
        )
    return followed


def stack_named(pointer: Pointer, name: str) -> str:
    """The stack that a name means: its reference, or an unambiguous last part of it."""
    if name in pointer.stacks:
        return name
    found = [ref for ref in pointer.stacks if ref.rsplit("/", 1)[-1] == name]
    if len(found) == 1:
        return found[0]
    if found:
        message = f"{name!r} can be {' or '.join(sorted(found))}; name one of them"
        raise RequestRefused(404, message, param="model", code="model_not_found")
    hint = did_you_mean(name, served_names(pointer).values(), "GET /v1/models lists those served")
    raise RequestRefused(
        404, f"the stack {name!r} is not served here; {hint}", param="model", code="model_not_found"
    )


def served_names(pointer: Pointer) -> dict[str, str]:
    """How clients call each stack: by the last part of its reference, where no other has it."""
    parts = [ref.rsplit("/", 1)[-1] for ref in pointer.stacks]
    return {
        ref: part if parts.count(part) == 1 else ref
        for ref, part in zip(pointer.stacks, parts, strict=True)
    }


def _sticky(request: Request, user: str | None) -> str:
    """What a user's or a conversation's requests have in common; else nothing."""
    headers = request.headers
    return (
        user or headers.get("x-tetrad-user") or headers.get("x-tetrad-conversation") or token_hex(8)
    )


async def answered(asked: Addressed, variables: Mapping[str, Json]) -> Trace:
    """The answer, counted; RequestRefused where there is none."""
    loaded = asked.loaded
    refuse_unknown(asked, variables)
    work = asyncio.current_task()
    assert work is not None  # noqa: S101 - this is a coroutine
    loaded.in_flight.add(work)
    begun = time.perf_counter()
    try:
        trace = await loaded.runtime.answer(variables, toolbox=loaded.toolbox)
    except BadRequest as error:
        raise RequestRefused(400, str(error), param="variables", headers=asked.headers) from error
    except EngineRefused as error:
        loaded.counted.failed(time.perf_counter() - begun)
        raise _failed(asked, str(error)) from error
    except asyncio.CancelledError:
        if not loaded.is_closed:
            raise
        loaded.counted.failed(time.perf_counter() - begun)
        raise _ended(asked) from None
    finally:
        loaded.in_flight.discard(work)
    if trace.error is not None:
        loaded.counted.failed(time.perf_counter() - begun)
        raise _failed(asked, trace.error)
    loaded.counted.answered(trace, time.perf_counter() - begun)
    return trace


def refuse_unknown(asked: Addressed, variables: Mapping[str, Json]) -> None:
    """A name that the prompt does not declare is mostly a misspelt one."""
    unknown = asked.loaded.runtime.unknown(variables)
    if unknown:
        stack = asked.loaded.stack
        known = [name for name in stack.prompt.variables if name not in stack.filled]
        hint = did_you_mean(unknown[0], known, f"it takes {', '.join(known) or 'none'}")
        raise RequestRefused(
            400,
            f"{asked.stack} takes no variable {unknown[0]!r}; {hint}",
            param=f"variables.{unknown[0]}",
            headers=asked.headers,
        )


def _failed(asked: Addressed, why: str) -> RequestRefused:
    """What a client is told; where the upstream is, and what it said, stays in the log."""
    _LOG.warning("%s: %s %s: %s", asked.trace, asked.stack, asked.loaded.name, why)
    return RequestRefused(
        502,
        "the model server or a tool did not answer; the gateway's log says why, by the trace id",
        code="upstream_failed",
        headers=asked.headers,
    )


def _ended(asked: Addressed) -> RequestRefused:
    return RequestRefused(
        503,
        "the identity that was answering is no longer served; ask again",
        code="identity_unloaded",
        headers={**asked.headers, "Retry-After": "0"},
    )
