"""Who is answered and who waits, where only so many requests are answered at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tetrad.model.serving import Queue

Asked: TypeAlias = Literal["in", "waits", "full"]


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class PlaceRequest:
    """A request that wants a place in everything that it belongs to: environment, stack, client."""

    limits: Mapping[str, int | None]  # the places of each
    queue: str  # whose line it waits in: the stack's
    size: int


class Places:
    """Gives places in the order of asking, but nobody waits for a place that others wait for."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._waiting: deque[PlaceRequest] = deque()

    def ask(self, ticket: PlaceRequest) -> Asked:
        """Whoever waits already could not be let in, so this one overtakes nobody."""
        if self._has_room(ticket):
            self._taken.update(ticket.limits.keys())
            return "in"
        if self.waiting(ticket.queue) >= ticket.size:
            return "full"
        self._waiting.append(ticket)
        return "waits"

    def leave(self, ticket: PlaceRequest) -> list[PlaceRequest]:
        """Give a place back; whoever gets one now is told."""
        self._taken.subtract(ticket.limits.keys())
        admitted = []
        for _ in range(len(self._waiting)):
            waiting = self._waiting.popleft()
            if self._has_room(waiting):
                self._taken.update(waiting.limits.keys())
                admitted.append(waiting)
            else:
                self._waiting.append(waiting)
        return admitted

    def give_up(self, ticket: PlaceRequest) -> None:
        """One that waits does so no longer."""
        self._waiting.remove(ticket)

    def taken(self, name: str) -> int:
        return self._taken[name]

    def waiting(self, queue: str) -> int:
        return sum(ticket.queue == queue for ticket in self._waiting)

    def _has_room(self, ticket: PlaceRequest) -> bool:
        return all(
            limit is None or self._taken[name] < limit for name, limit in ticket.limits.items()
        )


class QueueFull(Exception):
    """As many requests wait as may wait."""


class WaitedTooLong(Exception):
    """No place became free before the deadline."""


@dataclass(kw_only=True, slots=True)
class PlaceQueue:
    """Places on the event loop."""

    places: Places = field(default_factory=Places)
    _futures: dict[PlaceRequest, asyncio.Future[None]] = field(default_factory=dict)

    @asynccontextmanager
    async def place(
        self, stack: str, queue: Queue, limits: Mapping[str, int | None]
    ) -> AsyncIterator[None]:
        """Hold a place; QueueFull or WaitedTooLong where there is none."""
        ticket = PlaceRequest(limits=limits, queue=stack, size=queue.size)
        match self.places.ask(ticket):
            case "full":
                raise QueueFull
            case "waits":
                await self._wait(ticket, queue.deadline_s)
        try:
            yield
        finally:
            self._leave(ticket)

    async def _wait(self, ticket: PlaceRequest, deadline_s: float) -> None:
        future = self._futures[ticket] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(deadline_s):
                await future
        except BaseException as error:
            if self._futures.pop(ticket, None) is None:  # it got its place at the same moment
                self._leave(ticket)
            else:
                self.places.give_up(ticket)
            if isinstance(error, TimeoutError):
                raise WaitedTooLong from error
            raise

    def _leave(self, ticket: PlaceRequest) -> None:
        for admitted in self.places.leave(ticket):
            future = self._futures.pop(admitted)
            if not future.done():
                future.set_result(None)
