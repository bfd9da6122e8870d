"""Assertions on what an answer took: latency in milliseconds, cost in USD.

Both are those of the original call: an answer from the registry carries the seconds and tokens of
the call that made it.
"""

from __future__ import annotations

from math import isclose

from tetrad.assertions.verdict import Answered, Decided, Verdict, binary
from tetrad.canonical import Json
from tetrad.errors import JudgeFailed
from tetrad.model import Assertion


def latency(_: Json, assertion: Assertion, answered: Answered) -> Verdict:
    if answered.latency_s is None:
        raise JudgeFailed("the engine reported no latency for this answer")
    return _within(answered.latency_s * 1000, assertion.threshold or 0.0, "ms")


def cost(_: Json, assertion: Assertion, answered: Answered) -> Verdict:
    if answered.cost_usd is None:
        raise JudgeFailed("the model has no prices, so the answer has no cost")
    return _within(answered.cost_usd, assertion.threshold or 0.0, "USD")


def _within(value: float, most: float, unit: str) -> Verdict:
    within = value <= most or isclose(value, most)  # rounding overspends nothing
    return binary(within, f"{value:.6g} {unit} {'≤' if within else '>'} {most:g} {unit}")


LATENCY = Decided(evaluate=latency)
COST = Decided(evaluate=cost)
