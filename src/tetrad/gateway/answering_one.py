"""One request while it is answered: counted, cancelled, and refused where no answer comes about."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tetrad.canonical import Json
from tetrad.errors import BadRequest, EngineRefused, StoreUnavailable
from tetrad.gateway.collaborators import Gateway
from tetrad.gateway.limiting.limiter import Permit
from tetrad.gateway.limiting.metered import PaidConfirmations
from tetrad.gateway.refusing import RequestRefused
from tetrad.gateway.routing import RoutedRequest
from tetrad.model import Turn
from tetrad.results.exchange import ToolCall
from tetrad.results.trace import Called, Trace
from tetrad.runtime.answering import Runtime
from tetrad.runtime.confirming import NO_CALL, Confirmations
from tetrad.runtime.observing import UNOBSERVED, Observer
from tetrad.schemas.nearest import did_you_mean
from tetrad.telemetry import Outcome

if TYPE_CHECKING:
    from tetrad.telemetry.spans import RequestSpans


_LOG = logging.getLogger("tetrad.gateway")


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What a stack is asked: its variables, the turns before, and the calls that are confirmed."""

    variables: Mapping[str, Json]
    history: tuple[Turn, ...] = ()
    confirmed: Confirmations = NO_CALL


@dataclass
class UpstreamFailed(RequestRefused):
    """The model server, the vector store or a tool gave no answer."""

    has_written: bool = False  # a tool was called that does more than read


async def answered(gateway: Gateway, asked: RoutedRequest, inputs: Inputs, permit: Permit) -> Trace:
    """The answer, counted; RequestRefused where there is none."""
    with _accounted(gateway, asked, stream=False) as account, _metered(asked, permit) as runtime:
        refuse_unknown(asked, inputs.variables)
        trace = await runtime.answer(
            inputs.variables,
            history=inputs.history,
            toolbox=account,
            observer=account.observer,
            confirmed=PaidConfirmations(confirmed=inputs.confirmed, engine=runtime.engine),
        )
        account.end(trace)
    return trace


async def streamed(
    gateway: Gateway, asked: RoutedRequest, inputs: Inputs, permit: Permit
) -> AsyncGenerator[str | Trace, None]:
    """The same as it comes: pieces of its text, then the trace."""
    with _accounted(gateway, asked, stream=True) as account, _metered(asked, permit) as runtime:
        refuse_unknown(asked, inputs.variables)
        pieces = runtime.stream(
            inputs.variables,
            history=inputs.history,
            toolbox=account,
            observer=account.observer,
            confirmed=PaidConfirmations(confirmed=inputs.confirmed, engine=runtime.engine),
        )
        async with aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, Trace):
                    account.end(piece)
                elif account.first_token_s is None:
                    account.first_token_s = account.seconds
                yield piece


@contextmanager
def _metered(asked: RoutedRequest, permit: Permit) -> Iterator[Runtime]:
    """The identity's runtime, with an engine that keeps to the limits."""
    loaded = asked.loaded
    with permit.engine(loaded.runtime.engine, loaded.stack) as engine:
        yield loaded.runtime.answered_by(engine)


def finish_of(trace: Trace) -> str:
    """Why the answer ends where it does; `stop` for one that no model gave."""
    if not trace.generated:
        return "stop"
    reason = trace.generated[-1].completion.finish_reason
    return "stop" if reason == "tool_calls" else reason


def refuse_unknown(asked: RoutedRequest, variables: Mapping[str, Json]) -> None:
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
        )


@dataclass(slots=True)
class _Account:
    """What became of a request, while it is not known how it ends."""

    asked: RoutedRequest
    observer: Observer
    outcome: Outcome = "failed"
    trace: Trace | None = None
    first_token_s: float | None = None
    began: float = field(default_factory=time.perf_counter)
    called: list[ToolCall] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.began

    def end(self, trace: Trace) -> None:
        """The answer is whole; UpstreamFailed where it is none."""
        if trace.error is not None:
            raise self.failed(trace.error)
        self.trace, self.outcome = trace, "answered"

    async def call(self, call: ToolCall) -> Called:
        """The stack's toolbox, which leaves word of what it was asked even where it fails."""
        self.called.append(call)
        return await self.asked.loaded.toolbox.call(call)

    def failed(self, why: str) -> UpstreamFailed:
        """What a client is told; where the upstream is, and what it said, stays in the log."""
        asked = self.asked
        _LOG.warning("%s: %s %s: %s", asked.trace, asked.stack, asked.loaded.name, why)
        return UpstreamFailed(
            502,
            "the model server, the vector store or a tool failed; see the trace id in the gateway's log",
            code="upstream_failed",
            headers=asked.headers,
            has_written=asked.loaded.stack.may_write(call.name for call in self.called),
        )


@contextmanager
def _accounted(gateway: Gateway, asked: RoutedRequest, *, stream: bool) -> Iterator[_Account]:
    """Count what is done within, and give what goes wrong the form of an HTTP answer."""
    loaded = asked.loaded
    if loaded.is_closed:  # the request waited for a place for longer than the grace period
        raise _ended(gateway, asked)
    account = _Account(asked, _observer(asked, stream=stream))
    work = asyncio.current_task()
    assert work is not None  # noqa: S101 - coroutines alone answer
    loaded.in_flight.add(work)
    gateway.metrics.in_flight(loaded.names, len(loaded.in_flight))
    try:
        yield account
    except BadRequest as error:
        account.outcome = "refused"
        raise RequestRefused(400, str(error), param="variables", headers=asked.headers) from error
    except (EngineRefused, StoreUnavailable) as error:
        raise account.failed(str(error)) from error
    except RequestRefused as refused:
        account.outcome = _outcome_of(refused)
        refused.headers = {**asked.headers, **refused.headers}
        raise
    except asyncio.CancelledError:
        if loaded.is_closed:
            raise _ended(gateway, asked) from None
        account.outcome = "cancelled"
        raise
    except GeneratorExit:
        account.outcome = "cancelled"
        raise
    finally:
        loaded.in_flight.discard(work)
        _count(gateway, account)


def _observer(asked: RoutedRequest, *, stream: bool) -> Observer:
    spans: RequestSpans | None = asked.request.state.spans
    if spans is None:
        return UNOBSERVED
    pointer = asked.followed.pointer
    spans.answer_begins(
        asked.loaded.names,
        environment=pointer.environment,
        deployment=pointer.number,
        stream=stream,
    )
    return spans


def _count(gateway: Gateway, account: _Account) -> None:
    loaded, trace = account.asked.loaded, account.trace
    account.asked.request.state.outcome = account.outcome
    match account.outcome:
        case "answered" if trace is not None:
            loaded.counted.answered(trace, account.seconds)
            gateway.recent.answered(account.asked, trace)
        case "failed":
            loaded.counted.failed(account.seconds)
    gateway.metrics.in_flight(loaded.names, len(loaded.in_flight))
    gateway.metrics.answered(
        loaded.names,
        outcome=account.outcome,
        seconds=account.seconds,
        trace=trace,
        first_token_s=account.first_token_s,
        cost_usd=None if trace is None else trace.usage.cost_usd(loaded.stack.model.prices),
    )


def _outcome_of(refused: RequestRefused) -> Outcome:
    if refused.status == 429 or refused.code == "spending_unknown":
        return "limited"
    if refused.code == "confirmation_unknown":  # it says nothing of the identity
        return "refused"
    return "failed" if refused.status >= 500 else "refused"


def _ended(gateway: Gateway, asked: RoutedRequest) -> RequestRefused:
    why = ("the identity that was answering is no longer served", "identity_unloaded")
    if gateway.following.is_draining:
        why = ("the gateway is shutting down", "shutting_down")
    return RequestRefused(
        503,
        f"{why[0]}; retry",
        code=why[1],
        headers={**asked.headers, "Retry-After": "0"},
    )
