"""`latency` and `cost`: what an answer took, in milliseconds and in USD.

Both are those of the original call: a kept answer carries the seconds and tokens of
the call that made it.
"""

from __future__ import annotations

from collections.abc import Collection
from math import isclose

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import Cell, PureAssertion
from tetrad.assertions.score import Score, binary
from tetrad.canonical import Json
from tetrad.errors import JudgeFailed
from tetrad.model import Assertion, Case, Stack, TorchEngine


def latency_lack(stack: Stack) -> str | None:
    """Why a stack's answers have no latency that could be judged."""
    if isinstance(stack.model.engine, TorchEngine):
        return "needs an engine that times each answer, and torch answers in batches"
    return None


def _latency_lack(_: Case, stack: Stack, __: Collection[str]) -> str | None:
    return latency_lack(stack)


def _cost_lack(_: Case, stack: Stack, __: Collection[str]) -> str | None:
    if stack.model.prices is None:
        return f"needs `prices` in {stack.model.location.file}"
    return None


def _problem(_: Json, assertion: Assertion) -> str | None:
    return "needs a `threshold`" if assertion.threshold is None else None


def _grade_latency(_: Json, assertion: Assertion, answered: Answered) -> Score:
    if answered.latency_s is None:
        raise JudgeFailed("the engine reported no latency for this answer")
    return _within(answered.latency_s * 1000, assertion.threshold or 0.0, "ms")


def _grade_cost(_: Json, assertion: Assertion, answered: Answered) -> Score:
    if answered.cost_usd is None:
        raise JudgeFailed(
            "the answer has no cost: the model has no prices, or its tokens were not counted"
        )
    return _within(answered.cost_usd, assertion.threshold or 0.0, "USD")


def _within(value: float, most: float, unit: str) -> Score:
    within = value <= most or isclose(value, most)  # rounding overspends nothing
    return binary(within, f"{value:.6g} {unit} {'≤' if within else '>'} {most:g} {unit}")


LATENCY = PureAssertion(
    name="latency",
    passes_if=(
        "the original call took at most so many milliseconds; not on torch, which answers in batches"
    ),
    threshold="required",
    problem=_problem,
    lack=_latency_lack,
    measures="latency",
    cell=Cell(threshold=0.75),
    grade=_grade_latency,
)
COST = PureAssertion(
    name="cost",
    passes_if="it cost at most so many USD; the model needs `prices`",
    threshold="required",
    problem=_problem,
    lack=_cost_lack,
    measures="cost",
    cell=Cell(threshold=0.75),
    grade=_grade_cost,
)
