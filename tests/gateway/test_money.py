"""Money on the event loop: several accounts at once, outages, and what is told at the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from gateway.spending_rows import Registry

from tetrad.errors import DatabaseError
from tetrad.gateway.limiting.money import Charge, Money, MoneyRefused, SpendingUnknown
from tetrad.gateway.limiting.purse import Account, Claim, Holding

STACK = Account(name="stack a", limit=1_000, warn=500)
CLIENT = Account(name="client b", limit=300)
ANYBODY = Account(name="environment", warn=10)


@dataclass
class Rows:
    """One gateway's way to the rows; `lost` makes it one that does not answer."""

    gateway: int
    registries: dict[str, Registry] = field(default_factory=dict)
    lost: bool = False
    asked: int = 0

    def exchange(self, claims: Sequence[Claim]) -> Mapping[str, Holding]:
        self.asked += 1
        if self.lost:
            raise DatabaseError("nobody is there")
        return {
            claim.account: self.registries.setdefault(claim.account, Registry()).exchange(
                self.gateway, claim
            )
            for claim in claims
        }

    def spent(self, account: str) -> int:
        return sum(row.spent for row in self.registries[account].rows.values())


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_tightest_account_refuses_and_the_others_keep_theirs() -> None:
    async def live() -> None:
        rows = Rows(0)
        money = Money(rows, clock=Clock())
        charge = await money.reserve([STACK, CLIENT, ANYBODY], 200)
        with pytest.raises(MoneyRefused) as refused:
            await money.reserve([STACK, CLIENT, ANYBODY], 200)
        assert (refused.value.account, refused.value.is_spent) == ("client b", False)
        asked = rows.asked
        with pytest.raises(MoneyRefused):  # it was just said
            await money.reserve([STACK, CLIENT, ANYBODY], 200)
        assert rows.asked == asked

        other = await money.reserve([STACK, ANYBODY], 700)
        money.settle(charge, 150)
        money.settle(other, 0)
        await money.tell()
        assert [rows.spent(a.name) for a in (STACK, CLIENT, ANYBODY)] == [150, 150, 150]
        assert money.spent_today("stack a") == 150

    asyncio.run(live())


def test_a_refused_account_is_named_whichever_is_asked_first() -> None:
    async def live() -> None:
        money = Money(Rows(0), clock=Clock())
        await money.reserve([CLIENT], 300)
        with pytest.raises(MoneyRefused):
            await money.reserve([CLIENT], 300)
        with pytest.raises(MoneyRefused) as refused:
            await money.reserve([STACK, CLIENT], 300)
        assert refused.value.account == "client b"

    asyncio.run(live())


def test_without_the_registry_what_is_held_is_spent_and_no_more() -> None:
    async def live() -> None:
        rows, clock = Rows(0), Clock()
        money = Money(rows, clock=clock)
        first = await money.reserve([STACK], 10)
        rows.lost = True
        held: list[Charge] = []
        with suppress(SpendingUnknown):
            while len(held) < 100:
                held.append(await money.reserve([STACK], 10))
        assert 0 < 10 * len(held) < 500
        unlimited = await money.reserve([ANYBODY], 10)

        rows.lost = False
        clock.now += 2
        for charge in (first, unlimited, *held):
            money.settle(charge, 10)
        await money.tell()
        assert rows.spent("stack a") == 10 * (1 + len(held))

    asyncio.run(live())


@pytest.mark.parametrize("seed", range(3))
def test_many_requests_at_once_cost_what_they_cost(seed: int) -> None:
    draw = random.Random(seed)
    shared: dict[str, Registry] = {}
    rows = [Rows(gateway, shared) for gateway in range(2)]

    async def live() -> int:
        gateways = [Money(one, clock=Clock()) for one in rows]
        used = 0

        async def ask() -> None:
            nonlocal used
            money = draw.choice(gateways)
            most = draw.randint(1, 40)
            try:
                charge = await money.reserve([STACK, ANYBODY], most)
            except (MoneyRefused, SpendingUnknown):
                return
            await asyncio.sleep(draw.random() / 100)
            cost = draw.randint(0, most)
            money.settle(charge, cost)
            used += cost
            if draw.random() < 0.2:
                await money.tell()

        await asyncio.gather(*(ask() for _ in range(200)))
        for money in gateways:
            await money.tell()
        return used

    used = asyncio.run(live())

    assert 0 < used <= 1_000
    assert rows[0].spent("stack a") == used
    assert rows[0].spent("environment") == used
