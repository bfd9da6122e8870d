"""The limits of environment, stack and client, held against one request after the other."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from tetrad.engines.interfaces import Engine
from tetrad.gateway.limiting.metered import Metered
from tetrad.gateway.limiting.minute import MinuteWindow
from tetrad.gateway.limiting.money import Charge, Money, MoneyRefused, SpendingUnknown
from tetrad.gateway.limiting.place_queue import PlaceQueue, QueueFull, WaitedTooLong
from tetrad.gateway.limiting.purse import USD, Account
from tetrad.gateway.limiting.token_use import nano_usd
from tetrad.gateway.refusing import RequestRefused
from tetrad.model import Stack
from tetrad.model.serving import Queue, UseLimits
from tetrad.results.exchange import Usage
from tetrad.telemetry.metrics import Metrics


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """Whose limits count for a request, by what refusals call them."""

    stack: str  # reference
    queue: Queue
    limits: Mapping[str, UseLimits]

    @property
    def is_metered(self) -> bool:
        """Whether it matters how many tokens are used."""
        return any(
            of.tokens_per_minute is not None
            or of.usd_per_day is not None
            or of.warn_usd_per_day is not None
            for of in self.limits.values()
        )

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Those that have limits of money."""
        return tuple(
            Account(name=name, limit=_nano(of.usd_per_day), warn=_nano(of.warn_usd_per_day))
            for name, of in self.limits.items()
            if of.usd_per_day is not None or of.warn_usd_per_day is not None
        )


def _nano(usd: float | None) -> int | None:
    return None if usd is None else round(usd * USD)


class _Minute(NamedTuple):
    """A limit per minute, of what refusals call by a name."""

    name: str
    limit: float
    window: MinuteWindow


class Limiter:
    """All limits of one gateway; used on one event loop."""

    def __init__(
        self, money: Money, metrics: Metrics, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.money = money
        self._metrics = metrics
        self._clock = clock
        self._windows: dict[tuple[str, str], MinuteWindow] = {}
        self._queue = PlaceQueue()
        self._uses: dict[str, Use] = {}  # the last of each stack

    @asynccontextmanager
    async def admitted(self, use: Use) -> AsyncIterator[Permit]:
        """Hold a place for a request; RequestRefused (429) where a limit leaves none."""
        self._uses[use.stack] = use
        self._refuse_minute(use, "requests", 1)
        self._refuse_minute(use, "tokens", 1)
        permit = Permit(self, use)
        concurrency = {
            name: of.concurrency for name, of in use.limits.items() if of.concurrency is not None
        }
        if not concurrency:
            self._use_request(use)
            yield permit
            return
        for one in self._minutes(use, "requests"):
            one.window.hold(1)
        is_admitted = False
        try:
            async with self._queue.place(use.stack, use.queue, concurrency):
                is_admitted = True
                self._settle_requests(use, 1)
                yield permit
        except QueueFull:
            raise self._refused(use, "concurrency", _FULL.format(use.stack), 1) from None
        except WaitedTooLong:
            late = f"no capacity within {use.queue.deadline_s:g} s"
            raise self._refused(use, "concurrency", f"{use.stack}: {late}", 1) from None
        finally:
            if not is_admitted:
                self._settle_requests(use, 0)

    def count(self, use: Use) -> None:
        """A request that costs nothing; RequestRefused (429) where it is one too many."""
        self._refuse_minute(use, "requests", 1)
        self._use_request(use)

    def _use_request(self, use: Use) -> None:
        now = self._clock()
        for one in self._minutes(use, "requests"):
            one.window.use(1, now)

    async def reserve(self, use: Use, most: Usage, cost: int) -> tuple[float, Charge]:
        """Set aside what an answer can use; RequestRefused where that is more than is left."""
        tokens = float(most.total_tokens or 0)
        self._refuse_minute(use, "tokens", tokens)
        try:
            charge = await self.money.reserve(use.accounts if cost else (), cost)
        except MoneyRefused as refused:
            raise self._spent(use, refused) from refused
        except SpendingUnknown as unknown:
            self._metrics.limited(use.stack, "usd_per_day")
            raise RequestRefused(
                503,
                "the registry does not answer, so the remaining budget is unknown",
                code="spending_unknown",
                headers={"Retry-After": "5"},
            ) from unknown
        for one in self._minutes(use, "tokens"):
            one.window.hold(tokens)
        return tokens, charge

    def settle(self, use: Use, held: tuple[float, Charge], used: Usage, cost: int) -> None:
        tokens, charge = held
        now = self._clock()
        for one in self._minutes(use, "tokens"):
            one.window.settle(tokens, float(used.total_tokens or 0), now)
        self.money.settle(charge, cost)

    def headers(self, use: Use) -> dict[str, str]:
        """What is left of the limits per minute, by the one that leaves least, and warnings."""
        found: dict[str, str] = {}
        now = self._clock()
        for kind in ("requests", "tokens"):
            limits = list(self._minutes(use, kind))
            if limits:
                least = min(limits, key=lambda one: one.window.left(one.limit, now))
                found[f"x-ratelimit-limit-{kind}"] = f"{least.limit:.0f}"
                left = least.window.left(least.limit, now)
                found[f"x-ratelimit-remaining-{kind}"] = f"{int(left)}"
                found[f"x-ratelimit-reset-{kind}"] = f"{least.window.reset_s(now):.1f}s"
        if warnings := list(self._warnings(use)):
            found["x-tetrad-budget-warning"] = "; ".join(warnings)
        return found

    def _warnings(self, use: Use) -> Iterator[str]:
        for account in use.accounts:
            spent = self.money.spent_today(account.name)
            if account.warn is not None and spent >= account.warn:
                of = "" if account.limit is None else f" of {account.limit / USD:.2f}"
                yield f"{account.name} has spent {spent / USD:.2f}{of} USD today"

    def _minutes(self, use: Use, kind: str) -> Iterator[_Minute]:
        """The limits per minute that there are, with what is used of each."""
        for name, of in use.limits.items():
            limit = of.requests_per_minute if kind == "requests" else of.tokens_per_minute
            if limit is not None:
                window = self._windows.get((name, kind))
                if window is None:
                    window = self._windows[name, kind] = MinuteWindow()
                yield _Minute(name, limit, window)

    def _refuse_minute(self, use: Use, kind: str, amount: float) -> None:
        now = self._clock()
        for one in self._minutes(use, kind):
            wait = one.window.wait_s(amount, one.limit, now)
            if wait > 0:
                told = f"{one.name}: the limit is {one.limit:,.0f} {kind} per minute"
                raise self._refused(use, f"{kind}_per_minute", told, wait)

    def _settle_requests(self, use: Use, used: int) -> None:
        now = self._clock()
        for one in self._minutes(use, "requests"):
            one.window.settle(1, used, now)

    def _refused(self, use: Use, limit: str, told: str, wait_s: float) -> RequestRefused:
        self._metrics.limited(use.stack, limit)
        wait = max(1, int(-(-wait_s // 1)))
        return RequestRefused(
            429,
            f"{told}; ask again in {wait} s",
            code="rate_limit_exceeded",
            headers={"Retry-After": str(wait), **self.headers(use)},
        )

    def _spent(self, use: Use, refused: MoneyRefused) -> RequestRefused:
        (limit,) = (a.limit for a in use.accounts if a.name == refused.account)
        told = f"{refused.account}: the limit is {(limit or 0) / USD:.2f} USD per day"
        if not refused.is_spent:
            return self._refused(use, "usd_per_day", f"{told}, all reserved", refused.wait_s)
        self._metrics.limited(use.stack, "usd_per_day")
        wait = int(-(-refused.wait_s // 1))
        return RequestRefused(
            429,
            f"{told}, and it is spent; the next day of UTC begins in {wait // 60:,} min",
            code="insufficient_quota",
            headers={
                "Retry-After": str(wait),
                "x-should-retry": "false",  # OpenAI's libraries would wait seconds, not hours
                **self.headers(use),
            },
        )

    def show(self) -> None:
        """Set the metrics of what waits and what is spent now."""
        for stack, use in self._uses.items():
            self._metrics.waiting(stack, self._queue.places.waiting(stack))
            for account in use.accounts:
                if account.name == f"stack {stack}":
                    limit = None if account.limit is None else account.limit / USD
                    spent = self.money.spent_today(account.name) / USD
                    self._metrics.spent(stack, usd=spent, limit_usd=limit)


_FULL = "{}: the queue is full"


@dataclass(slots=True)
class Permit:
    """A request that has its place."""

    _limiter: Limiter
    use: Use

    @property
    def headers(self) -> Mapping[str, str]:
        return self._limiter.headers(self.use)

    @contextmanager
    def engine(self, engine: Engine, stack: Stack) -> Iterator[Engine]:
        """The engine, metered: what it may use is reserved, and what it used is charged."""
        if not self.use.is_metered:
            yield engine
            return
        held: list[tuple[float, Charge]] = []
        prices = stack.model.prices

        async def reserve(most: Usage) -> None:
            held.append(await self._limiter.reserve(self.use, most, nano_usd(most, prices)))

        metered = Metered(engine=engine, stack=stack, reserve=reserve)
        try:
            yield metered
        finally:
            used = metered.used
            for one in held:
                self._limiter.settle(self.use, one, used, nano_usd(used, prices))
