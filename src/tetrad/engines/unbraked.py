"""Places at an endpoint for those who serve people: nobody waits longer so that all are answered.

An evaluation slows down until an endpoint answers all that it has, and gives up an endpoint that
answers nothing. Whoever asks a gateway wants an answer now, and tomorrow's request has nothing to do
with today's outage.
"""

from __future__ import annotations

import asyncio
from collections import deque

from tetrad.engines.brake import Brake
from tetrad.engines.throttle import Lane, Setback, Ticket, Verdict
from tetrad.errors import TetradError

_TRIES = 2  # a kept connection that has just ended, or one replica of several that is gone


class Unbraked(Brake):
    """As many requests at once as the engine's `concurrency`, in the order in which they came."""

    def __init__(self) -> None:
        super().__init__()
        self._queues: dict[Lane, deque[asyncio.Future[None]]] = {}

    @property
    def stopped(self) -> str | None:
        return None

    def lane(self, ceiling: int) -> Lane:
        lane = Lane(ceiling=max(1, ceiling))
        self._queues[lane] = deque()
        return lane

    async def admit(self, ticket: Ticket) -> None:
        lane = ticket.lane
        if lane.in_flight < lane.ceiling:
            lane.in_flight += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._queues[lane].append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.released(ticket)
            raise

    def answered(self, ticket: Ticket) -> None:
        self.released(ticket)

    def refused(self, ticket: Ticket, reason: str, *, is_its_own: bool) -> Verdict:  # noqa: ARG002 - of an evaluation
        self.released(ticket)
        return "give up"

    def refuse_all(self, ticket: Ticket, error: TetradError) -> None:  # noqa: ARG002 - none but this
        self.released(ticket)

    def released(self, ticket: Ticket) -> None:
        """Give the place to whoever has waited longest."""
        queue = self._queues[ticket.lane]
        while queue:
            place = queue.popleft()
            if not place.done():
                place.set_result(None)
                return
        ticket.lane.in_flight -= 1

    def set_back(self, ticket: Ticket, setback: Setback, where: str) -> Verdict:  # noqa: ARG002
        self.released(ticket)
        is_over = ticket.asked >= _TRIES or setback.timed_out or setback.retry_after_s > 0
        is_over = is_over or (ticket.once and ticket.sent > 0)
        return "give up" if is_over or setback.kind == "quota" else "again"
