"""What answers in place of an identity that cannot."""

from __future__ import annotations

from dataclasses import dataclass

from tetrad.gateway.fleet import Fleet
from tetrad.gateway.loaded import LoadedIdentity
from tetrad.gateway.routing import RoutedRequest
from tetrad.model.serving import FixedAnswer, OtherStack


@dataclass(frozen=True, kw_only=True, slots=True)
class Fallback:
    """Another identity, or a fixed answer; `name` as headers and metrics call it."""

    name: str
    stack: str = ""
    loaded: LoadedIdentity | None = None
    answer: str = ""


def declared_fallback(fleet: Fleet, asked: RoutedRequest, *, has_written: bool) -> Fallback | None:
    """What the stack declares, where it is at hand.

    Another identity would call tools once more, so it answers only where none has written.
    """
    match asked.serving.fallback:
        case FixedAnswer(answer=answer):
            return Fallback(name="fixed", answer=answer)
        case "previous":
            loaded = None if has_written else _previous(fleet, asked)
            if loaded is not None:
                return Fallback(name="previous", stack=asked.stack, loaded=loaded)
        case OtherStack(ref=ref):
            # One that is not served here was not admitted here either.
            if not has_written and ref in asked.followed.pointer.stacks:
                return Fallback(name="stack", stack=ref, loaded=asked.followed.live(ref))
    return None


def _previous(fleet: Fleet, asked: RoutedRequest) -> LoadedIdentity | None:
    """The live identity for one on its way, else the one that served last and is warm."""
    pointer = asked.followed.pointer.stacks[asked.stack]
    if asked.loaded.served.identity != pointer.live.identity:
        return asked.followed.live(asked.stack)
    withdrawn = {withdrawal.identity for withdrawal in pointer.withdrawn}
    for served in pointer.warm:
        if served.identity not in withdrawn and (loaded := fleet.warm(asked.stack, served)):
            return loaded
    return None
