"""When a model server is left alone: after too many failures, for a while, until it answers again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["closed", "open", "half-open"]

_LOOK_BACK_S = 10.0
_SHARE = 0.5  # of failures, that opens it
_FEWEST = 10  # failures: a share of few requests says little
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_TRIALS = 3  # that are let through at once while half-open, and that must succeed to close it


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that was let through, of one period of the breaker."""

    period: int


@dataclass(slots=True)
class _Second:
    number: int
    failed: int = 0
    succeeded: int = 0


class Breaker:
    """A circuit breaker; times are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._period = 0
        self._open_until: float | None = None  # None while closed
        self._pause_s = _FIRST_PAUSE_S
        self._seconds: deque[_Second] = deque()
        self._trials = 0  # in flight, while half-open
        self._succeeded = 0  # of them

    def state(self, now: float) -> State:
        if self._open_until is None:
            return "closed"
        return "open" if now < self._open_until else "half-open"

    def attempt(self, now: float) -> Attempt | None:
        """Let a request through, or not; every attempt ends in `succeed`, `fail` or `drop`."""
        state = self.state(now)
        if state == "open" or (state == "half-open" and self._trials >= _TRIALS):
            return None
        if state == "half-open":
            self._trials += 1
        return Attempt(self._period)

    def retry_s(self, now: float) -> float:
        """Seconds after which it may be worth asking again."""
        return 0.0 if self._open_until is None else max(_FIRST_PAUSE_S, self._open_until - now)

    def succeed(self, attempt: Attempt, now: float) -> None:
        if attempt.period != self._period:
            return  # of before it opened, or closed
        if self._open_until is None:
            self._second(now).succeeded += 1
            return
        self._trials -= 1
        self._succeeded += 1
        if self._succeeded >= _TRIALS:
            self._change(None)
            self._pause_s = _FIRST_PAUSE_S

    def fail(self, attempt: Attempt, now: float) -> None:
        if attempt.period != self._period:
            return
        if self._open_until is None:
            self._second(now).failed += 1
            if not self._has_failed_often(now):
                return
        self._change(now + self._pause_s)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def drop(self, attempt: Attempt) -> None:
        """An attempt that says nothing: whoever asked has gone."""
        if attempt.period == self._period and self._open_until is not None:
            self._trials -= 1

    def _change(self, open_until: float | None) -> None:
        self._period += 1
        self._open_until = open_until
        self._trials = self._succeeded = 0
        self._seconds.clear()

    def _second(self, now: float) -> _Second:
        number = int(now)
        if not self._seconds or self._seconds[-1].number != number:
            self._seconds.append(_Second(number))
        return self._seconds[-1]

    def _has_failed_often(self, now: float) -> bool:
        while self._seconds and self._seconds[0].number < now - _LOOK_BACK_S:
            self._seconds.popleft()
        failed = sum(second.failed for second in self._seconds)
        succeeded = sum(second.succeeded for second in self._seconds)
        return failed >= _FEWEST and failed >= _SHARE * (failed + succeeded)
