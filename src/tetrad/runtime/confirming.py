"""Which calls of destructive tools a person has confirmed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from tetrad.canonical import Json, canonical_json
from tetrad.results.exchange import Request, ToolCall


class Confirmations(Protocol):
    """What a request brings of them."""

    @property
    def first(self) -> tuple[ToolCall, ...]:
        """Calls that the model asked for in an earlier answer: they are made before it is asked."""

    async def begin(self, request: Request) -> None:
        """Before the first of those is made, for a request; raises where it may not be answered."""

    async def take(self, call: ToolCall) -> bool:
        """Whether this very call is confirmed; each confirmation is good for one call."""


class ConfirmedCalls:
    """The calls that a person saw, by the tool's name and its arguments."""

    first: tuple[ToolCall, ...] = ()

    def __init__(self, calls: Iterable[tuple[str, Mapping[str, Json]]] = ()) -> None:
        self._left = Counter(_key(name, arguments) for name, arguments in calls)

    async def begin(self, request: Request) -> None:
        """There is nothing to do."""

    async def take(self, call: ToolCall) -> bool:
        key = _key(call.name, call.arguments)
        if key is None or not self._left[key]:
            return False
        self._left[key] -= 1
        return True


class _EveryCall:
    first: tuple[ToolCall, ...] = ()

    async def begin(self, request: Request) -> None:
        """There is nothing to do."""

    async def take(self, call: ToolCall) -> bool:  # noqa: ARG002
        return True


EVERY_CALL: Confirmations = _EveryCall()  # of an evaluation: its tools answer from recordings
NO_CALL: Confirmations = ConfirmedCalls()


def _key(name: str, arguments: Mapping[str, Json]) -> bytes | None:
    """None for what canonical JSON cannot carry, which no call is either."""
    try:
        return canonical_json([name, arguments])
    except (ValueError, RecursionError):
        return None
