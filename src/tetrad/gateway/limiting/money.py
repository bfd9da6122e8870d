"""Money on the event loop: reserved before a request, settled after it, told to the registry.

The registry is asked where what is held does not suffice, and told every second of what is new.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tetrad.errors import TetradError
from tetrad.gateway.daemon_threads import in_daemon_thread
from tetrad.gateway.limiting.purse import Account, Claim, Holding, Purse, Reserved

_LOG = logging.getLogger("tetrad.gateway")
_TELL_S = 1.0
_ASK_S = 5.0  # for the registry to answer


class Exchange(Protocol):
    """The registry's part; it may block, and DatabaseError is an outage."""

    def exchange(self, claims: Sequence[Claim]) -> Mapping[str, Holding]: ...


@dataclass(frozen=True)
class MoneyRefused(Exception):
    """An account has not as much left; `is_spent`: not on this day."""

    account: str
    is_spent: bool
    wait_s: float


class SpendingUnknown(Exception):
    """The registry does not answer, and what is held does not suffice."""


class Charge(NamedTuple):
    """What was set aside for one request, by accounts."""

    reserved: Mapping[str, Reserved]


class Money:
    """The purses of all accounts of one gateway; used on one event loop."""

    def __init__(self, registry: Exchange, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._purses: dict[str, Purse] = {}
        self._accounts: dict[str, Account] = {}  # as they were last named
        self._asking = asyncio.Lock()
        self._late: asyncio.Task[Mapping[str, Holding]] | None = None  # an exchange without end yet
        self._lost_at: float | None = None

    async def reserve(self, accounts: Iterable[Account], amount: int) -> Charge:
        """Set an amount aside in every account; MoneyRefused or SpendingUnknown where one has less."""
        wanted = {account.name: account for account in accounts}
        self._accounts.update(wanted)
        reserved = self._reserved(wanted, amount)
        if len(reserved) < len(wanted):
            self._give_back(reserved)
            async with self._asking:
                reserved = self._reserved(wanted, amount)
                if len(reserved) < len(wanted):
                    self._give_back(reserved)
                    lacking = [a for name, a in wanted.items() if name not in reserved]
                    await self._ask_for(lacking, amount)
                    reserved = self._reserved(wanted, amount)
        lacking = [
            account
            for name, account in wanted.items()
            if name not in reserved and account.limit is not None
        ]
        if lacking:
            self._give_back(reserved)
            raise self._refusal(lacking, amount)
        return Charge(reserved)

    def settle(self, charge: Charge, used: int) -> None:
        """What was set aside has cost this much."""
        for name, reserved in charge.reserved.items():
            self._purses[name].settle(reserved, used)

    def spent_today(self, account: str) -> int:
        """By all gateways, as far as is known here."""
        purse = self._purses.get(account)
        return 0 if purse is None else purse.spent_today

    async def tell(self) -> None:
        """Tell the registry what is new, and let go of what is not needed."""
        async with self._asking:
            news = [self._accounts[name] for name, purse in self._purses.items() if purse.is_news()]
            if news:
                await self._ask_for(news, 0)

    async def keep_telling(self) -> None:
        while True:
            await asyncio.sleep(_TELL_S)
            await self.tell()

    def _reserved(self, wanted: Mapping[str, Account], amount: int) -> dict[str, Reserved]:
        """What the accounts that have as much give."""
        now = self._clock()
        found = {}
        for name, account in wanted.items():
            reserved = self._purse(name).reserve(amount, account, now)
            if reserved is not None:
                found[name] = reserved
        return found

    def _give_back(self, reserved: Mapping[str, Reserved]) -> None:
        self.settle(Charge(reserved), 0)

    async def _ask_for(self, accounts: Sequence[Account], amount: int) -> None:
        """One exchange with the registry; afterwards there is more, or it is known why not."""
        now = self._clock()
        short = [a for a in accounts if self._purse(a.name).shortage(amount, a, now) is None]
        if not short or (amount and len(short) < len(accounts)):
            return  # one of them has just been refused
        if amount and self._lost_at is not None and now < self._lost_at + _TELL_S:
            return
        claims = [self._purse(a.name).claim(a, amount, now) for a in short]
        found = await self._exchange(claims)
        for claim in claims if found else ():
            self._purse(claim.account).take(found[claim.account], claim, amount, now)

    async def _exchange(self, claims: Sequence[Claim]) -> Mapping[str, Holding]:
        """The registry's answer; nothing where it gives none. Only one is under way at a time, so that
        a late one never undoes a newer one.
        """
        if self._late is not None and not self._late.done():
            return self._lose("it does not answer")
        task = asyncio.ensure_future(in_daemon_thread(lambda: self._registry.exchange(claims)))
        done, _ = await asyncio.wait({task}, timeout=_ASK_S)
        self._late = None if done else task
        if not done:
            task.add_done_callback(lambda late: late.cancelled() or late.exception())
            return self._lose(f"no answer in {_ASK_S:g} s")
        try:
            found = task.result()
        except TetradError as error:
            return self._lose(str(error))
        self._lost_at = None
        return found

    def _refusal(self, lacking: Sequence[Account], amount: int) -> Exception:
        now = self._clock()
        for account in lacking:
            shortage = self._purse(account.name).shortage(amount, account, now)
            if shortage is not None:
                return MoneyRefused(account.name, shortage.is_spent, shortage.wait_s)
        return SpendingUnknown()

    def _lose(self, why: str) -> Mapping[str, Holding]:
        if self._lost_at is None:
            _LOG.warning("cannot report spending to the registry: %s", why)
        self._lost_at = self._clock()
        return {}

    def _purse(self, name: str) -> Purse:
        return self._purses.setdefault(name, Purse())
