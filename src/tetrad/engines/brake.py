"""A throttle on the event loop: whoever asks an endpoint waits here for a place."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from tetrad.artifacts.backoff import Backoff
from tetrad.engines.interfaces import AnsweredLate
from tetrad.engines.throttle import GRACE_S, Lane, Setback, Throttle, Ticket, Verdict
from tetrad.errors import TetradError
from tetrad.results.exchange import Completion

_SOON_S = 1.0  # not worth a word


class Brake:
    """One endpoint's; `tell` hears when requests to it pause and when they are given up.

    `keeps`: answers are kept, so that one on its way is worth waiting for, whoever asked.
    """

    def __init__(
        self,
        backoff: Backoff | None = None,
        *,
        grace_s: float = GRACE_S,
        tell: Callable[[str], None] | None = None,
        keeps: bool = False,
    ) -> None:
        self._throttle = Throttle(backoff, grace_s=grace_s)
        self._tell = tell
        self._keeps = keeps
        self._is_waiting = False
        self._refused: TetradError | None = None
        self._waiting: deque[tuple[Ticket, asyncio.Future[None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def stopped(self) -> str | None:
        """Why nothing more is sent; None while something is."""
        return self._throttle.stopped

    def lane(self, ceiling: int) -> Lane:
        return self._throttle.lane(max(1, ceiling))

    async def admit(self, ticket: Ticket) -> None:
        """Return when the request is to be sent, or when nothing is any more (`stopped`)."""
        self._raise_refused()
        place = asyncio.get_running_loop().create_future()
        self._waiting.append((ticket, place))
        self._let_in()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and self.stopped is None:
                self.released(ticket)
            raise
        self._raise_refused()

    async def landed(self, attempt: Coroutine[Any, Any, Completion]) -> Completion:
        """The answer to a request that is sent. Where answers are kept, it is waited for even if the
        asker is cancelled, and AnsweredLate has it; a second cancellation gives it up.
        """
        if not self._keeps:
            return await attempt
        trying = asyncio.ensure_future(attempt)
        try:
            return await asyncio.shield(trying)
        except asyncio.CancelledError:
            await self._wait_for(trying)
            if trying.cancelled() or trying.exception() is not None:
                raise
            raise AnsweredLate(trying.result()) from None

    async def _wait_for(self, trying: asyncio.Task[Completion]) -> None:
        try:
            done, _ = await asyncio.wait([trying], timeout=_SOON_S)
            if not done:
                self._say_that_it_waits()
                await asyncio.wait([trying])
        finally:
            trying.cancel()

    def _say_that_it_waits(self) -> None:
        if self._tell is not None and not self._is_waiting:
            self._is_waiting = True
            self._tell("waiting for the answers to requests that are sent; Ctrl-C stops at once")

    def answered(self, ticket: Ticket) -> None:
        self._throttle.answered(ticket, time.monotonic())
        self._let_in()

    def refused(self, ticket: Ticket, reason: str, *, is_its_own: bool) -> Verdict:
        verdict = self._throttle.refused(ticket, reason, is_its_own=is_its_own)
        self._let_in()
        return verdict

    def released(self, ticket: Ticket) -> None:
        self._throttle.released(ticket)
        self._let_in()

    def set_back(self, ticket: Ticket, setback: Setback, where: str) -> Verdict:
        verdict = self._throttle.set_back(ticket, setback, time.monotonic())
        if self._tell is not None and verdict == "again" and self._throttle.rounds == 2:
            self._tell(f"{where}: {setback.reason}; pausing requests until one succeeds")
        if self._tell is not None and verdict == "stop":
            self._tell(f"{where}: {setback.reason}; giving up; the remaining cases have no result")
        self._let_in()
        return verdict

    def refuse_all(self, ticket: Ticket, error: TetradError) -> None:  # noqa: ARG002 - nobody gets its place
        """Whoever waits, and whoever asks from now on, gets this error."""
        self._refused = error
        self._throttle.stopped = str(error)
        self._let_in()

    def _raise_refused(self) -> None:
        if self._refused is not None:
            raise self._refused

    def _let_in(self) -> None:
        """Give places to all who may have one now, in the order in which they came."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waits = list(self._left_waiting())
        if waits:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(min(waits), self._let_in)

    def _left_waiting(self) -> Iterator[float]:
        """The seconds that those who get no place now have to wait, as far as that is known."""
        for _ in range(len(self._waiting)):
            ticket, place = self._waiting.popleft()
            if place.done():  # whoever asked has gone
                continue
            now = time.monotonic()
            wait = 0.0 if self.stopped is not None else self._throttle.wait_s(ticket, now)
            if wait == 0:
                if self.stopped is None:
                    self._throttle.sent(ticket, now)
                place.set_result(None)
                continue
            self._waiting.append((ticket, place))
            if wait is not None:
                yield wait


class Brakes:
    """The brakes of a run, one an address: models behind the same endpoint share what it can take."""

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self._tell = tell
        self._brakes: dict[str, Brake] = {}

    def of(self, base_url: str) -> Brake:
        if base_url not in self._brakes:
            self._brakes[base_url] = Brake(tell=self._tell, keeps=True)
        return self._brakes[base_url]
