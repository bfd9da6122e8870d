"""No minute, wherever it begins, holds more requests or tokens than its limit."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tetrad.gateway.limiting.minute import MinuteWindow


@dataclass
class Moment:
    at: float
    amount: float


@settings(deadline=None, max_examples=200)
@given(
    limit=st.integers(1, 50),
    steps=st.lists(
        st.tuples(st.floats(0, 40), st.integers(1, 20), st.integers(0, 20), st.booleans()),
        max_size=60,
    ),
)
def test_no_minute_holds_more_than_the_limit(
    limit: int, steps: list[tuple[float, int, int, bool]]
) -> None:
    window, now = MinuteWindow(), 1_000.0
    used: list[Moment] = []
    held: list[int] = []
    for pause, amount, less, is_settled in steps:
        now += pause
        fitting = min(amount, limit)
        if window.wait_s(amount, limit, now) == 0:
            window.hold(fitting)
            held.append(fitting)
        if is_settled and held:
            most = held.pop(0)
            window.settle(most, min(most, less), now)
            used.append(Moment(now, min(most, less)))

    for begin in used:
        within = sum(m.amount for m in used if begin.at <= m.at < begin.at + 60)
        assert within <= limit


@settings(deadline=None, max_examples=200)
@given(
    limit=st.integers(1, 20),
    amounts=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 30)), min_size=1, max_size=30),
)
def test_what_waits_as_long_as_it_is_told_fits(
    limit: int, amounts: list[tuple[float, int]]
) -> None:
    window, now = MinuteWindow(), 5.0
    for pause, amount in amounts:
        now += pause + window.wait_s(amount, limit, now + pause)
        assert window.wait_s(amount, limit, now + 1e-6) == 0
        window.use(min(amount, limit), now)


@pytest.mark.parametrize("now", [0.0, 59.9, 1e6])
def test_a_limit_of_nothing_lets_nothing_through(now: float) -> None:
    assert MinuteWindow().wait_s(1, 0, now) == 60


def test_what_is_left_and_when_all_of_it_is_back() -> None:
    window = MinuteWindow()
    window.use(3, 10.0)
    window.hold(2)

    assert window.left(10, 10.0) == 5
    assert window.reset_s(10.0) == pytest.approx(60.1)
    assert (window.left(10, 80.0), window.reset_s(80.0)) == (8, 0)
