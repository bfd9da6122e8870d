"""Which identity answers a request, by the stack's name and by whose request it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex

from starlette.requests import Request

from tetrad.gateway.fleet import Followed
from tetrad.gateway.following import Following
from tetrad.gateway.limiting.callers import refuse_other_stacks
from tetrad.gateway.limiting.limiter import Permit
from tetrad.gateway.loaded import LoadedIdentity
from tetrad.gateway.refusing import RequestRefused
from tetrad.model.references import last_part, named
from tetrad.model.serving import Client, Serving
from tetrad.pointer import Pointer
from tetrad.schemas.nearest import did_you_mean
from tetrad.telemetry.trace_context import TraceContext


@dataclass(kw_only=True, slots=True)
class RoutedRequest:
    """What is known of a request once it is read: which identity answers it, and stays with it,
    unless a fallback answers.
    """

    stack: str  # reference
    loaded: LoadedIdentity
    followed: Followed
    request: Request
    fallback: str = ""  # what answered instead
    permit: Permit | None = None  # once it has its place
    told: Mapping[str, str] = field(default_factory=dict)  # further headers

    @property
    def client(self) -> Client:
        found: Client = self.request.state.client
        return found

    @property
    def identity(self) -> str | None:
        """Whose answer it is; None for a fixed one, which no identity gave."""
        return None if self.fallback == "fixed" else self.loaded.name

    def fell_back(self, name: str, stack: str, loaded: LoadedIdentity | None) -> None:
        """Another answered than was chosen."""
        self.fallback = name
        if loaded is not None:
            self.stack, self.loaded = stack, loaded

    @property
    def deployment(self) -> str:
        return self.followed.deployment

    @property
    def trace(self) -> str:
        context: TraceContext = self.request.state.trace
        return context.trace

    @property
    def serving(self) -> Serving:
        """As it counts for the identity that answers."""
        pointer = self.followed.pointer.stacks[self.stack]
        rollout = pointer.rollout
        is_new = rollout is not None and rollout.to.identity == self.loaded.served.identity
        return rollout.serving if is_new and rollout is not None else pointer.serving

    @property
    def headers(self) -> Mapping[str, str]:
        found = {
            "x-tetrad-identity": self.identity or "none",
            "x-tetrad-deployment": self.deployment,
            **(self.permit.headers if self.permit else {}),
            **self.told,
        }
        return {**found, "x-tetrad-fallback": self.fallback} if self.fallback else found


def route_request(
    request: Request, following: Following, model: str, user: str | None
) -> RoutedRequest:
    """Choose the identity that answers; RequestRefused where there is none."""
    followed = following_now(following)
    stack = stack_named(followed.pointer, model)
    refuse_other_stacks(request.state.client, stack)
    loaded = followed.chosen(stack, user_of(request, user) or token_hex(8))
    asked = RoutedRequest(stack=stack, loaded=loaded, followed=followed, request=request)
    loaded.choose(asked.serving.queue)
    return asked


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
    found = named(name, pointer.stacks)
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
    parts = [last_part(ref) for ref in pointer.stacks]
    return {
        ref: part if parts.count(part) == 1 else ref
        for ref, part in zip(pointer.stacks, parts, strict=True)
    }


def user_of(request: Request, user: str | None) -> str:
    """What a user's or a conversation's requests have in common; empty where nothing is said."""
    headers = request.headers
    return user or headers.get("x-tetrad-user") or headers.get("x-tetrad-conversation") or ""
