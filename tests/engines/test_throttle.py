"""What an endpoint is sent, by simulation: a server with rules of its own and a clock of ours."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tetrad.engines.throttle import Setback, Throttle, Ticket

QUOTA = Setback(kind="quota", reason="429")
OVERLOAD = Setback(kind="overload", reason="503")
GONE = Setback(kind="failure", reason="refused")
BROKEN = Setback(kind="failure", reason="500", may_be_its_own=True)


class Quota:
    """A bucket of `burst` requests that fills by `rate` a second."""

    def __init__(self, burst: int, rate: float) -> None:
        self._burst, self._rate = burst, rate
        self._left, self._at = float(burst), 0.0

    def __call__(self, number: int, now: float, in_flight: int) -> Setback | None:
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return QUOTA
        self._left -= 1
        return None


@dataclass
class Simulated:
    """So many requests to a server that answers after `takes` seconds, or sets back by its rule.

    As many are on their way at once as may be in flight: so does a run.
    """

    rule: Callable[[int, float, int], Setback | None]
    requests: int
    ceiling: int
    takes: Callable[[int], float] = lambda _: 0.05
    now: float = 0.0
    sent: int = 0
    answered: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    limits: list[int] = field(default_factory=list)
    stopped: str | None = None

    def run(self) -> Simulated:
        throttle = Throttle(jitter=lambda: 0.5)
        lane = throttle.lane(self.ceiling)
        numbers = iter(range(self.requests))
        waiting = deque((n, Ticket(lane)) for n in islice(numbers, self.ceiling))
        flying: list[_Flight] = []
        while (waiting or flying) and throttle.stopped is None:
            wait = self._send(throttle, waiting, flying)
            if flying and (wait is None or flying[0][0] <= self.now + wait):
                again = self._land(throttle, heapq.heappop(flying))
                waiting.extend(again or [(n, Ticket(lane)) for n in islice(numbers, 1)])
            else:
                assert wait is not None, "nothing is in flight and nothing may be sent"
                self.now += wait
            assert len(flying) <= self.ceiling
        self.stopped = throttle.stopped
        return self

    def _send(
        self, throttle: Throttle, waiting: deque[tuple[int, Ticket]], flying: list[_Flight]
    ) -> float | None:
        waits = []
        for _ in range(len(waiting)):
            number, ticket = waiting.popleft()
            wait = throttle.wait_s(ticket, self.now)
            if wait != 0:
                waiting.append((number, ticket))
                waits += [] if wait is None else [wait]
                continue
            throttle.sent(ticket, self.now)
            self.sent += 1
            setback = self.rule(number, self.now, len(flying))
            lands = self.now + (0.01 if setback else self.takes(len(flying)))
            heapq.heappush(flying, (lands, self.sent, number, ticket, setback))
        return min(waits, default=None)

    def _land(self, throttle: Throttle, flight: _Flight) -> list[tuple[int, Ticket]]:
        self.now, _, number, ticket, setback = flight
        again: list[tuple[int, Ticket]] = []
        if setback is None:
            throttle.answered(ticket, self.now)
            self.answered.add(number)
        elif throttle.set_back(ticket, setback, self.now) == "again":
            again = [(number, ticket)]
        else:
            self.given_up.add(number)
        self.limits.append(throttle.limit)
        return again


_Flight: TypeAlias = tuple[float, int, int, Ticket, Setback | None]  # lands at, by its number


@settings(deadline=None, max_examples=60)
@given(
    burst=st.integers(1, 60),
    per_minute=st.integers(10, 600),
    ceiling=st.integers(1, 64),
    requests=st.integers(1, 150),
    takes=st.floats(0.01, 5.0),
)
def test_under_a_quota_every_request_is_answered_in_the_end(
    burst: int, per_minute: int, ceiling: int, requests: int, takes: float
) -> None:
    run = Simulated(Quota(burst, per_minute / 60), requests, ceiling, takes=lambda _: takes).run()

    assert run.stopped is None
    assert len(run.answered) == requests
    assert run.sent <= 2 * requests + 2 * ceiling + 10


def test_a_quota_of_sixty_a_minute_is_kept_to_after_a_few_refusals() -> None:
    run = Simulated(Quota(20, 1.0), 36, 8, takes=lambda _: 0.1).run()

    assert len(run.answered) == 36
    assert run.sent <= 60


def test_a_window_of_a_minute_that_is_used_up_is_waited_for() -> None:
    def rule(number: int, now: float, in_flight: int) -> Setback | None:
        window = int(now // 60)
        used[window] = used.get(window, 0) + 1
        return QUOTA if used[window] > 60 else None

    used: dict[int, int] = {}
    run = Simulated(rule, 200, 8).run()

    assert len(run.answered) == 200
    assert run.sent <= 260


@settings(deadline=None, max_examples=40)
@given(ceiling=st.integers(1, 64), requests=st.integers(2, 2000))
@pytest.mark.parametrize("setback", [GONE, OVERLOAD, BROKEN])
def test_an_endpoint_that_never_answers_is_given_up_in_seconds_however_many_ask(
    setback: Setback, ceiling: int, requests: int
) -> None:
    run = Simulated(lambda *_: setback, requests, ceiling).run()

    assert run.stopped == setback.reason
    assert run.sent <= 5
    assert run.now < 4


@settings(deadline=None, max_examples=40)
@given(ceiling=st.integers(1, 64), lasts=st.floats(0, 30))
@pytest.mark.parametrize("setback", [GONE, OVERLOAD, BROKEN])
def test_an_outage_of_half_a_minute_costs_at_most_what_was_in_flight(
    setback: Setback, ceiling: int, lasts: float
) -> None:
    run = Simulated(
        lambda _, now, __: setback if 3 <= now < 3 + lasts else None, 40 * ceiling, ceiling
    ).run()

    assert run.stopped is None
    assert len(run.given_up) <= 2
    assert len(run.answered) + len(run.given_up) == 40 * ceiling


@given(ceiling=st.integers(1, 32), bad=st.integers(0, 99))
def test_one_request_that_an_endpoint_fails_at_takes_no_other_with_it(
    ceiling: int, bad: int
) -> None:
    run = Simulated(lambda n, *_: BROKEN if n == bad else None, 100, ceiling).run()

    assert (run.stopped, run.given_up, len(run.answered)) == (None, {bad}, 99)
    assert run.sent in {99 + 4, 99 + 5}  # 4 where nothing was answered yet


def test_a_request_that_its_quota_never_lets_through_is_given_up() -> None:
    run = Simulated(lambda n, *_: QUOTA if n == 7 else None, 300, 4).run()

    assert (run.stopped, run.given_up, len(run.answered)) == (None, {7}, 299)


def test_what_an_endpoint_can_take_is_found_and_kept_to() -> None:
    run = Simulated(lambda *a: OVERLOAD if a[2] >= 8 else None, 2000, 64).run()

    assert len(run.answered) == 2000
    assert max(run.limits[-500:]) <= 10
    assert run.sent < 2400


def test_an_endpoint_that_slows_down_under_load_is_sent_less() -> None:
    def takes(in_flight: int) -> float:
        return 0.1 if in_flight < 16 or not slow else 0.1 * in_flight

    slow: list[bool] = []

    def rule(number: int, now: float, in_flight: int) -> None:
        if number == 500:
            slow.append(True)

    run = Simulated(rule, 3000, 64, takes=takes).run()

    assert len(run.answered) == 3000
    assert run.limits[400] == 64
    assert min(run.limits) < 64


def test_an_endpoint_that_times_out_under_load_loses_hardly_a_request() -> None:
    late = Setback(kind="overload", reason="no answer", may_be_its_own=True, timed_out=True)
    run = Simulated(lambda *a: late if a[2] >= 4 else None, 500, 32, takes=lambda _: 20.0).run()

    assert run.stopped is None
    assert len(run.answered) >= 490


def test_nothing_is_held_back_while_all_is_well() -> None:
    run = Simulated(lambda *_: None, 1000, 32).run()

    assert set(run.limits) == {32}
    assert run.now == pytest.approx(0.05 * (1 + 1000 / 32), rel=0.1)


def test_models_of_one_endpoint_share_what_it_can_take_and_keep_their_own_ceiling() -> None:
    throttle = Throttle()
    large, small = throttle.lane(8), throttle.lane(1)
    first, second = Ticket(small), Ticket(small)
    throttle.sent(first, 0.0)
    throttle.answered(first, 0.1)
    throttle.sent(first, 0.2)

    assert throttle.wait_s(second, 0.2) is None
    assert throttle.wait_s(Ticket(large), 0.2) == 0
    throttle.set_back(first, Setback(kind="quota", reason="429", retry_after_s=7), 0.3)
    assert throttle.wait_s(Ticket(large), 0.3) == pytest.approx(7)


def test_a_wait_of_hours_stops_everything() -> None:
    throttle = Throttle()
    ticket = Ticket(throttle.lane(1))
    throttle.sent(ticket, 0.0)

    assert (
        throttle.set_back(
            ticket, Setback(kind="quota", reason="429 quota", retry_after_s=7200), 0.1
        )
        == "stop"
    )
    assert throttle.stopped == "429 quota"


def test_refusals_in_one_wording_before_any_answer_stop_everything() -> None:
    throttle = Throttle()
    lane = throttle.lane(1)
    verdicts = []
    for _ in range(10):
        ticket = Ticket(lane)
        throttle.sent(ticket, 0.0)
        refusal = throttle.refused(ticket, "400 temperature is not supported", is_its_own=True)
        verdicts.append(refusal)

    assert verdicts == ["give up"] * 9 + ["stop"]


@pytest.mark.parametrize("is_its_own", [True, False])
def test_after_an_answer_refusals_stop_everything_that_are_not_of_the_requests(
    is_its_own: bool,
) -> None:
    throttle = Throttle()
    lane = throttle.lane(1)

    def refused() -> str:
        ticket = Ticket(lane)
        throttle.sent(ticket, 0.0)
        return throttle.refused(ticket, "404 gone", is_its_own=is_its_own)

    def answered() -> None:
        ticket = Ticket(lane)
        throttle.sent(ticket, 0.0)
        throttle.answered(ticket, 1.0)

    answered()
    assert {refused() for _ in range(9)} == {"give up"}
    answered()
    assert [refused() for _ in range(10)] == ["give up"] * 9 + ["give up" if is_its_own else "stop"]
