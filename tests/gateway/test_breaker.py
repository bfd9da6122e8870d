"""A model server that fails is left alone, tried again, and used again once it answers."""

from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tetrad.gateway.limiting.breaker import Attempt, Breaker


def fails(breaker: Breaker, now: float, times: int) -> None:
    for _ in range(times):
        attempt = breaker.attempt(now)
        if attempt is not None:
            breaker.fail(attempt, now)


def succeeds(breaker: Breaker, now: float, times: int) -> None:
    for _ in range(times):
        attempt = breaker.attempt(now)
        assert attempt is not None
        breaker.succeed(attempt, now)


def test_it_opens_after_failures_and_closes_after_successes() -> None:
    breaker = Breaker()
    fails(breaker, 100, 10)
    assert breaker.state(100) == "open"
    assert breaker.attempt(100.9) is None

    assert breaker.state(101) == "half-open"
    succeeds(breaker, 101, 3)
    assert breaker.state(101) == "closed"


def test_a_failed_trial_pauses_for_longer_and_longer() -> None:
    breaker, now, pauses = Breaker(), 100.0, []
    fails(breaker, now, 10)
    for _ in range(8):
        pauses.append(breaker.retry_s(now))
        now += breaker.retry_s(now)
        fails(breaker, now, 1)

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_only_a_few_trials_are_let_through() -> None:
    breaker = Breaker()
    fails(breaker, 100, 10)
    trials = [breaker.attempt(102) for _ in range(10)]

    assert sum(trial is not None for trial in trials) == 3
    assert trials[0] is not None
    breaker.drop(trials[0])
    assert breaker.attempt(102) is not None


def test_answers_of_before_it_opened_say_nothing() -> None:
    breaker = Breaker()
    early = breaker.attempt(100)
    assert early is not None
    fails(breaker, 100, 10)
    breaker.succeed(early, 100.5)

    assert breaker.state(100.5) == "open"


@pytest.mark.parametrize(("share", "opens"), [(0.0, False), (0.3, False), (0.8, True), (1.0, True)])
def test_a_share_of_failures_opens_it(share: float, opens: bool) -> None:
    draw = random.Random(7)
    breaker, opened = Breaker(), False
    for n in range(2_000):
        now = 100 + n / 100
        attempt = breaker.attempt(now)
        if attempt is None:
            opened = True
        elif draw.random() < share:
            breaker.fail(attempt, now)
        else:
            breaker.succeed(attempt, now)

    assert opened == opens


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens, it is never stuck: after its pause it lets a trial through."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now = Breaker(), 0.0
        self.in_flight: list[Attempt] = []

    @rule()
    def ask(self) -> None:
        attempt = self.breaker.attempt(self.now)
        if attempt is not None:
            self.in_flight.append(attempt)

    @rule(how=st.sampled_from(["succeed", "fail", "drop"]), which=st.integers(0, 9))
    def end(self, how: str, which: int) -> None:
        if self.in_flight:
            attempt = self.in_flight.pop(which % len(self.in_flight))
            match how:
                case "succeed":
                    self.breaker.succeed(attempt, self.now)
                case "fail":
                    self.breaker.fail(attempt, self.now)
                case _:
                    self.breaker.drop(attempt)

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def it_is_tried_again(self) -> None:
        while self.in_flight:
            self.breaker.drop(self.in_flight.pop())
        later = self.now + self.breaker.retry_s(self.now)
        attempt = self.breaker.attempt(later)
        assert attempt is not None
        self.breaker.drop(attempt)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
