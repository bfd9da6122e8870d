"""What one gateway may spend of an account's day, and what it has spent.

An account is an environment, a stack or a client. All gateways of an environment share it through
the registry, where each has a row a day: what it has spent, which only grows, and what it holds
beyond that for a while. A gateway spends what it holds without asking, so that not every request
waits for a disk. One that dies leaves what it held to the others once that expires. Nothing is
charged twice, because each tells what it has spent altogether, however often it tells it.

Amounts are whole billionths of a USD. Times are seconds of this process's own clock, which never
goes back; which day it is, the database says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

HOLDS_S = 30.0  # how long an amount is held, since the gateway last said so
USD = 1_000_000_000
_AHEAD_S = 2.0  # of use at the present rate, that is held
_MEANWHILE_S = 0.5  # of it, that may be used while the registry is asked
_FIRST = 16  # requests like this one, that are held where there is no rate yet
_SURE_S = 1.0  # how long a refusal stands without asking again


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Something with limits of money, None for no limit."""

    name: str
    limit: int | None = None
    warn: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What a gateway tells of an account, and what it would hold of the day that it is."""

    account: str
    limit: int | None
    spent: Mapping[date, int]  # altogether, by days
    need: int  # at least
    want: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """What the registry answers: what is held now, and what the other gateways have."""

    day: date
    day_left_s: float
    held: int
    spent_by_others: int
    held_by_others: int


def granted(claim: Claim, spent: int, others: int) -> int:
    """How much a gateway holds: what it wants, while that leaves the others as much; else what it
    needs. `others` is what they have spent and hold.
    """
    if claim.limit is None:
        return 0
    left = claim.limit - spent - others
    return max(0, min(claim.want, left, max(claim.need, left // 2)))


class Reserved(NamedTuple):
    """An amount that a request may cost, of the day on which it was reserved."""

    day: date
    amount: int


class Shortage(NamedTuple):
    """Why an amount is not to be had; `is_spent`: not on this day."""

    is_spent: bool
    wait_s: float


class Purse:
    """One account's, in one gateway."""

    def __init__(self) -> None:
        self._spent: Counter[date] = Counter()
        self._told: Counter[date] = Counter()  # of it, what the registry knows
        self._reserved: Counter[date] = Counter()
        self._holding: Holding | None = None  # as the registry last said
        self._held = 0  # what is left of that beyond what was spent
        self._asked_at = 0.0
        self._since = 0  # reserved since then
        self._short: int | None = None  # what was not to be had then

    @property
    def is_known(self) -> bool:
        """Whether the registry has said anything of it yet."""
        return self._holding is not None

    @property
    def spent_today(self) -> int:
        """By all gateways, as far as is known here."""
        holding = self._holding
        return 0 if holding is None else self._spent[holding.day] + holding.spent_by_others

    # -- requests

    def reserve(self, amount: int, account: Account, now: float) -> Reserved | None:
        """Set an amount aside; None where the registry must be asked first.

        What has no limit is not held: its requests only need to know the day.
        """
        holding = self._holding
        if holding is None or (account.limit is not None and amount > self._room(holding, now)):
            return None
        self._reserved[holding.day] += amount
        self._since += amount
        return Reserved(holding.day, amount)

    def settle(self, reserved: Reserved, used: int) -> None:
        """What was reserved has cost this much."""
        self._reserved[reserved.day] -= reserved.amount
        self._spent[reserved.day] += used
        if self._holding is not None and reserved.day == self._holding.day:
            self._held -= used

    def shortage(self, amount: int, account: Account, now: float) -> Shortage | None:
        """Why an amount is not to be had, where the registry has just said so."""
        holding, limit = self._holding, account.limit
        if holding is None or limit is None or self._short is None:
            return None
        if amount < self._short or now >= self._asked_at + _SURE_S:
            return None
        if self.spent_today + amount > limit:
            return Shortage(True, max(1.0, self._asked_at + holding.day_left_s - now))
        return Shortage(False, _SURE_S)

    # -- the registry

    def is_news(self) -> bool:
        """Whether the registry does not know yet what was spent, or holds something here."""
        return self._spent != self._told or (self._holding is not None and self._holding.held > 0)

    def claim(self, account: Account, amount: int, now: float) -> Claim:
        """What to tell the registry, with an amount that could not be reserved or 0.

        Until it answers, no more is used than it will certainly let this gateway hold.
        """
        reserved = 0 if self._holding is None else self._reserved[self._holding.day]
        rate = self._since / max(now - self._asked_at, _SURE_S)
        need = reserved + amount
        if not amount:
            need = max(need, min(self._held, need + int(rate * _MEANWHILE_S)))
        self._held = min(self._held, need)
        return Claim(
            account=account.name,
            limit=account.limit,
            spent=dict(self._spent),
            need=need,
            want=need + max(int(rate * _AHEAD_S), (_FIRST - 1) * amount),
        )

    def take(self, holding: Holding, claim: Claim, amount: int, asked_at: float) -> None:
        """What the registry answered to a claim that was made at a time."""
        day = holding.day
        self._holding = holding
        self._held = holding.held - (self._spent[day] - claim.spent.get(day, 0))
        self._told.update(Counter(claim.spent) - self._told)
        self._asked_at, self._since = asked_at, 0
        missing = claim.limit is not None and amount > self._room(holding, asked_at)
        self._short = amount if missing else None

    def _room(self, holding: Holding, now: float) -> int:
        if now >= self._asked_at + min(HOLDS_S, holding.day_left_s):
            return 0
        return self._held - self._reserved[holding.day]
