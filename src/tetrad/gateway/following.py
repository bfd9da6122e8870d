"""Following the environment's pointer, and telling so where it is kept, every second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Protocol
from uuid import uuid4

from tetrad import __version__
from tetrad.errors import TetradError
from tetrad.gateway.daemon_threads import in_daemon_thread
from tetrad.gateway.fleet import Fleet
from tetrad.pointer import GatewayState, Pointer

_LOG = logging.getLogger("tetrad.gateway")
_REPORT_S = 1.0
_AGAIN_S = 0.5
_LEAVE_S = 2.0
STALE_S = 10.0  # without an answer for so long, the pointer may have been overtaken


class Pointers(Protocol):
    """An environment's pointers, in the registry or a cluster. Each call may block; a TetradError is
    an outage.
    """

    def watch(self, after: int = 0) -> Iterator[Pointer]:
        """The current pointer, and each that follows it, as soon as it is there."""

    def report(self, state: GatewayState) -> None: ...

    def leave(self, gateway: str) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    ready: bool
    problem: str = ""


class Following:
    """Keeps a fleet at the newest pointer of an environment."""

    def __init__(
        self,
        pointers: Pointers,
        environment: str,
        fleet: Fleet,
        *,
        kept_in: str = "the registry",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`kept_in` names for people where the pointers are."""
        self.environment = environment
        self.fleet = fleet
        self.address = ""  # known once the process listens
        self.is_draining = False
        self.gateway = uuid4().hex
        self._pointers = pointers
        self._kept_in = kept_in
        self._clock = clock
        self._started = datetime.now(UTC)
        self.heard: datetime | None = None  # when it last answered, where the pointers are
        self._contact: float | None = None  # the same by the process's own clock
        self._outage = ""
        self._newest = 0  # the number of the last pointer that was told
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._report())]

    async def end(self) -> None:
        """Stop following, and say so where it is heard."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(TetradError, TimeoutError):
            await asyncio.wait_for(
                in_daemon_thread(partial(self._pointers.leave, self.gateway)), _LEAVE_S
            )

    @property
    def readiness(self) -> Readiness:
        if self.is_draining:
            return Readiness(ready=False, problem="shutting down")
        problem = self.fleet.problem
        if self.fleet.followed is None:
            if not problem and self._contact is None:
                problem = self._outage or f"connecting to {self._kept_in}"
            return Readiness(
                ready=False, problem=problem or f"nothing is deployed to {self.environment}"
            )
        if self._contact is None or self._clock() - self._contact > STALE_S:
            return Readiness(
                ready=False,
                problem=f"no answer from {self._kept_in} for {STALE_S:g} s: {self._outage}".rstrip(
                    ": "
                ),
            )
        return Readiness(ready=not self.fleet.answers_withdrawn, problem=problem)

    def state(self) -> GatewayState:
        readiness = self.readiness
        return GatewayState(
            gateway=self.gateway,
            environment=self.environment,
            address=self.address,
            release=__version__,
            started=self._started,
            seen=datetime.now(UTC),
            number=self.fleet.number,
            ready=readiness.ready,
            problem=readiness.problem,
            unloadable=self.fleet.unloadable,
            figures=self.fleet.figures(),
        )

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()

        def watch() -> None:
            for pointer in self._pointers.watch(self._newest):
                self._newest = pointer.number
                loop.call_soon_threadsafe(self.fleet.follow, pointer)

        while True:
            await self._asked(watch)
            await asyncio.sleep(_AGAIN_S)

    async def _report(self) -> None:
        """Every second, and at once when a pointer has taken effect."""
        while True:
            self.fleet.changed.clear()
            state = self.state()
            if await self._asked(partial(self._pointers.report, state)):
                self._contact, self.heard = self._clock(), datetime.now(UTC)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.fleet.changed.wait(), _REPORT_S)

    async def _asked(self, call: Callable[[], None]) -> bool:
        """Whether there was an answer."""
        try:
            await in_daemon_thread(call)
        except TetradError as error:
            if not self._outage:
                _LOG.warning("%s does not answer: %s", self._kept_in, error)
            self._outage = str(error)
            return False
        if self._outage:
            _LOG.warning("%s answers again", self._kept_in)
        self._outage = ""
        return True
