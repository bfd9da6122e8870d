"""Gateways that share an account's day spend no more than its limit, and charge nothing twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from gateway.spending_rows import DAY_S, Registry
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tetrad.gateway.limiting.purse import HOLDS_S, Account, Claim, Holding, Purse, Reserved


@dataclass
class Asking:
    """An exchange under way: the registry has it once there is an answer."""

    claim: Claim
    amount: int
    at: float
    answer: Holding | None = None


@dataclass
class Gateway:
    number: int
    purse: Purse = field(default_factory=Purse)
    in_flight: list[Reserved] = field(default_factory=list)
    is_cut_off: bool = False
    asking: Asking | None = None


class SharedDay(RuleBasedStateMachine):
    """Requests, deaths, outages, midnights and answers that get lost, in any order."""

    @initialize(limit=st.integers(0, 2_000))
    def begin(self, limit: int) -> None:
        self.account = Account(name="stack:a", limit=limit)
        self.registry = Registry()
        self.gateways = [Gateway(n) for n in range(3)]
        self.count = 3
        self.used: Counter[date] = Counter()  # what requests have really cost
        self.untold = 0  # of it, what died with its gateway

    def gateway(self, which: int) -> Gateway:
        return self.gateways[which % len(self.gateways)]

    def exchange(self, gateway: Gateway, amount: int, *, is_lost: bool = False) -> None:
        """All at once; one that is under way comes first."""
        for _ in range(2):
            if gateway.asking is None:
                self.begin_asking(gateway, amount)
            self.reach_registry(gateway)
            self.end_asking(gateway, is_lost=is_lost)

    def begin_asking(self, gateway: Gateway, amount: int) -> None:
        if gateway.asking is None:
            now = self.registry.now
            claim = gateway.purse.claim(self.account, amount, now)
            gateway.asking = Asking(claim, amount, now)

    def reach_registry(self, gateway: Gateway) -> None:
        asking = gateway.asking
        if asking is not None and asking.answer is None and not gateway.is_cut_off:
            asking.answer = self.registry.exchange(gateway.number, asking.claim)

    def end_asking(self, gateway: Gateway, *, is_lost: bool) -> None:
        asking, gateway.asking = gateway.asking, None
        if asking is not None and asking.answer is not None and not is_lost:
            gateway.purse.take(asking.answer, asking.claim, asking.amount, asking.at)

    @rule(which=st.integers(0, 2), amount=st.integers(0, 300))
    def ask(self, which: int, amount: int) -> None:
        """Begin an exchange; requests come and go until it ends."""
        self.begin_asking(self.gateway(which), amount)

    @rule(which=st.integers(0, 2))
    def arrive(self, which: int) -> None:
        self.reach_registry(self.gateway(which))

    @rule(which=st.integers(0, 2), is_lost=st.booleans())
    def hear(self, which: int, is_lost: bool) -> None:
        gateway = self.gateway(which)
        if gateway.asking is not None and gateway.asking.answer is not None:
            self.end_asking(gateway, is_lost=is_lost)

    @rule(which=st.integers(0, 2), amount=st.integers(1, 300), is_lost=st.booleans())
    def request(self, which: int, amount: int, is_lost: bool) -> None:
        gateway = self.gateway(which)
        now = self.registry.now
        reserved = gateway.purse.reserve(amount, self.account, now)
        if reserved is None:
            self.exchange(gateway, amount, is_lost=is_lost)
            reserved = gateway.purse.reserve(amount, self.account, now)
        if reserved is not None:
            gateway.in_flight.append(reserved)

    @rule(which=st.integers(0, 2), share=st.floats(0, 1), first=st.integers(0, 5))
    def end(self, which: int, share: float, first: int) -> None:
        gateway = self.gateway(which)
        if gateway.in_flight:
            reserved = gateway.in_flight.pop(first % len(gateway.in_flight))
            used = int(reserved.amount * share)
            gateway.purse.settle(reserved, used)
            self.used[reserved.day] += used

    @rule(which=st.integers(0, 2), is_lost=st.booleans())
    def tell(self, which: int, is_lost: bool) -> None:
        gateway = self.gateway(which)
        if gateway.purse.is_news():
            self.exchange(gateway, 0, is_lost=is_lost)

    @rule(seconds=st.sampled_from([0.5, 5.0, HOLDS_S, 1_000.0, DAY_S / 2]))
    def pass_time(self, seconds: float) -> None:
        """Gateways that reach the registry tell it every second; here, before time passes."""
        for gateway in self.gateways:
            if gateway.is_cut_off:
                gateway.asking = None
            if (gateway.asking or gateway.purse.is_news()) and not gateway.is_cut_off:
                self.exchange(gateway, 0)
            elif gateway.is_cut_off and seconds >= HOLDS_S:
                self.kill(gateway)
        if seconds > HOLDS_S:  # no request takes so long
            for gateway in self.gateways:
                self.settle_all(gateway)
        self.registry.now += seconds

    def settle_all(self, gateway: Gateway) -> None:
        while gateway.in_flight:
            reserved = gateway.in_flight.pop()
            gateway.purse.settle(reserved, reserved.amount)
            self.used[reserved.day] += reserved.amount

    @rule(which=st.integers(0, 2))
    def die(self, which: int) -> None:
        self.kill(self.gateway(which))

    def kill(self, gateway: Gateway) -> None:
        told = sum(
            row.spent for (_, who), row in self.registry.rows.items() if who == gateway.number
        )
        spent = sum(gateway.purse._spent.values())
        self.untold += spent - told + sum(reserved.amount for reserved in gateway.in_flight)
        self.gateways[self.gateways.index(gateway)] = Gateway(self.count)
        self.count += 1

    @rule(which=st.integers(0, 2))
    def cut_off(self, which: int) -> None:
        self.gateway(which).is_cut_off = True

    @rule(which=st.integers(0, 2))
    def reach_again(self, which: int) -> None:
        self.gateway(which).is_cut_off = False

    @invariant()
    def no_day_costs_more_than_its_limit(self) -> None:
        """But for what gateways had not told when they died."""
        limit = self.account.limit
        assert limit is not None
        for day, used in self.used.items():
            assert used <= limit + self.untold, day

    @invariant()
    def nothing_is_charged_that_was_not_used(self) -> None:
        charged: Counter[date] = Counter()
        for (day, _), row in self.registry.rows.items():
            charged[day] += row.spent
        assert all(charged[day] <= self.used[day] for day in charged)

    def teardown(self) -> None:
        """Once all is told and what the dead held has expired, the charge is what was used, and all
        that is left of the limit is to be had.
        """
        if not hasattr(self, "account"):
            return
        for gateway in self.gateways:
            gateway.is_cut_off = False
            self.settle_all(gateway)
            for _ in range(2):
                self.exchange(gateway, 0)
        self.registry.now += HOLDS_S
        for gateway in self.gateways:
            self.exchange(gateway, 0)
        day = self.registry.day
        charged = sum(row.spent for (on, _), row in self.registry.rows.items() if on == day)
        assert self.account.limit is not None
        left = self.account.limit - charged
        if left > 0:
            now = self.registry.now
            self.exchange(self.gateways[0], left)
            assert self.gateways[0].purse.reserve(left, self.account, now) is not None
        assert sum(self.used.values()) - self.untold <= sum(
            row.spent for row in self.registry.rows.values()
        )


TestSharedDay = SharedDay.TestCase
TestSharedDay.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)


def test_what_is_held_is_not_spent_once_it_has_expired_or_the_day_is_over() -> None:
    account = Account(name="stack:a", limit=1_000)
    for begin, seconds in ((0.0, HOLDS_S), (DAY_S - 5.0, 5.0)):
        registry, purse = Registry(now=begin), Purse()
        claim = purse.claim(account, 10, begin)
        purse.take(registry.exchange(0, claim), claim, 10, begin)

        assert purse.reserve(10, account, begin + seconds - 0.1) is not None
        assert purse.reserve(10, account, begin + seconds) is None


def test_while_the_registry_is_asked_nothing_is_spent_that_it_may_give_to_others() -> None:
    account, registry = Account(name="stack:a", limit=1_000), Registry()
    one, other = Purse(), Purse()
    claim = one.claim(account, 40, 0.0)
    one.take(registry.exchange(1, claim), claim, 40, 0.0)
    idle = one.claim(account, 0, 5.0)
    given_up = registry.exchange(1, idle)

    assert one.reserve(200, account, 5.0) is None
    claim = other.claim(account, 1_000, 5.0)
    other.take(registry.exchange(2, claim), claim, 1_000, 5.0)
    assert other.reserve(1_000, account, 5.0) is not None
    one.take(given_up, idle, 0, 5.0)
    assert one.reserve(1, account, 5.0) is None
