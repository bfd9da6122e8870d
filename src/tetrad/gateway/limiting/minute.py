"""What is used of a limit per minute: requests, or tokens that are counted once they are used."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_MINUTE_S = 60.0
_SLOTS_PER_S = 10
_SOON_S = 1.0  # for what is held, of which nobody knows when it is used


@dataclass(slots=True)
class _Slot:
    """A tenth of a second; it counts until a minute after its end."""

    number: int
    amount: float

    @property
    def over_at(self) -> float:
        return (self.number + 1) / _SLOTS_PER_S + _MINUTE_S


class MinuteWindow:
    """Admits so that no minute, wherever it begins, holds more than the limit.

    An amount that is only known later is held at the most that it can be, and then settled. Times
    are seconds of a clock that never goes back.
    """

    def __init__(self) -> None:
        self._slots: deque[_Slot] = deque()
        self._used = 0.0
        self._held = 0.0

    def left(self, limit: float, now: float) -> float:
        self._forget(now)
        return max(0.0, limit - self._used - self._held)

    def wait_s(self, amount: float, limit: float, now: float) -> float:
        """Seconds until an amount fits; 0 where it does. One beyond the whole limit waits for all
        of it.
        """
        if limit < 1:
            return _MINUTE_S
        over = self._used_at(now) + self._held + min(amount, limit) - limit
        if over <= 0:
            return 0.0
        for slot in self._slots:
            over -= slot.amount
            if over <= 0:
                return slot.over_at - now
        return _SOON_S

    def use(self, amount: float, now: float) -> None:
        number = int(now * _SLOTS_PER_S)
        if not self._slots or self._slots[-1].number != number:
            self._slots.append(_Slot(number, 0.0))
        self._slots[-1].amount += amount
        self._used += amount

    def hold(self, amount: float) -> None:
        self._held += amount

    def settle(self, held: float, used: float, now: float) -> None:
        """What was held was used, to another amount."""
        self._held -= held
        if used:
            self.use(used, now)

    def reset_s(self, now: float) -> float:
        """Seconds until nothing that is used now counts any more."""
        self._forget(now)
        return max(0.0, self._slots[-1].over_at - now) if self._slots else 0.0

    def _used_at(self, now: float) -> float:
        self._forget(now)
        return self._used

    def _forget(self, now: float) -> None:
        while self._slots and self._slots[0].over_at <= now:
            self._used -= self._slots.popleft().amount
        if not self._slots:
            self._used = 0.0  # what sums of fractions leave
