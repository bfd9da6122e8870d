"""Budgets: what the candidate's answers cost in money, time and tokens.

Every repeat is an answer. Costs and latencies are those of the original, uncached call. An answer
whose measure is not known counts as missing: at best it cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Literal

from tetrad.model import Budget
from tetrad.policy.paired import Evidence, worst
from tetrad.policy.statistics import TOLERANCE, nearest_rank
from tetrad.results.outcome import CaseOutcome, Sample
from tetrad.results.report import Decision, RequirementResult
from tetrad.text import milliseconds, spelled, usd

_MEASURES: Mapping[str, Callable[[Sample], float | None]] = {
    "cost_usd_per_case": lambda sample: sample.cost_usd,
    "latency_ms": lambda s: None if s.latency_s is None else s.latency_s * 1000,
    "total_tokens": lambda sample: float(sample.usage.input_tokens + sample.usage.output_tokens),
}
_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "mean": lambda values: fsum(values) / len(values),
    "p50": lambda values: nearest_rank(values, 0.5),
    "p95": lambda values: nearest_rank(values, 0.95),
    "total": fsum,
}
_SUBJECT = {
    "cost_usd_per_case": "the cost of an answer",
    "latency_ms": "the latency of an answer",
    "total_tokens": "the number of tokens of an answer",
}
_UNKNOWN = {
    "cost_usd_per_case": "the model has no prices",
    "latency_ms": "the engine answers in batches and reports no latency of a case",
    "total_tokens": "the engine reports no tokens",
}
_TOTALS = {
    "cost_usd_per_case": "the cost of all answers",
    "latency_ms": "the latency of all answers",
    "total_tokens": "the number of tokens of all answers",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Spent:
    """A statistic over the known answers, and its least where the missing ones cost nothing."""

    value: float | None
    least: float
    n: int
    missing: int  # answers that never came
    unmeasured: int  # answers that came without the measure

    @property
    def complete(self) -> bool:
        return self.value is not None and not self.missing and not self.unmeasured


def judge_budget(requirement: Budget, evidence: Evidence) -> RequirementResult:
    spent = _spent(requirement, evidence, "candidate")
    verdicts: list[tuple[Decision, str, float | None]] = []
    if requirement.max is not None:
        verdicts.append(_absolute(requirement, spent, requirement.max))
    if requirement.increase is not None:
        verdicts.append(_relative(requirement, spent, evidence, requirement.increase))
    decision = worst(decision for decision, _, _ in verdicts)
    told = [verdict for verdict in verdicts if verdict[0] == decision]
    return RequirementResult(
        requirement=requirement.measure,
        metric=requirement.statistic,
        decision=decision,
        value=spent.value,
        threshold=told[0][2],
        n=spent.n,
        reason="; ".join(reason for _, reason, _ in told),
    )


def _absolute(
    requirement: Budget, spent: _Spent, limit: float
) -> tuple[Decision, str, float | None]:
    return *_compare(
        requirement, spent, limit, f"the budget is {_amount(requirement, limit)}"
    ), limit


def _relative(
    requirement: Budget, spent: _Spent, evidence: Evidence, increase: float
) -> tuple[Decision, str, float | None]:
    if verdict := evidence.without_base(_subject(requirement)):
        return *verdict, None
    base = _spent(requirement, evidence, "base")
    if base.value is None or not base.complete:
        what = _incomplete(requirement, base)
        return "INCONCLUSIVE", f"{_subject(requirement)} on the base is not known: {what}", None
    limit = base.value * (1 + increase)
    against = (
        f"the base's is {_amount(requirement, base.value)} and {increase:.0%} more is allowed,"
        f" which is {_amount(requirement, limit)}"
    )
    return *_compare(requirement, spent, limit, against), limit


def _compare(
    requirement: Budget, spent: _Spent, limit: float, against: str
) -> tuple[Decision, str]:
    subject = _subject(requirement)
    if spent.least > limit + TOLERANCE * max(1.0, abs(limit)):
        value = spent.least if spent.value is None else spent.value
        aside = "; missing answers cannot mend that" if not spent.complete else ""
        return "FAILED", f"{subject} is {_amount(requirement, value)}, and {against}{aside}"
    if spent.value is None or not spent.complete:
        return "INCONCLUSIVE", f"{subject} is not known: {_incomplete(requirement, spent)}"
    return (
        "PASSED",
        f"{subject} is {_amount(requirement, spent.value)}; {against} (n = {spent.n:,})",
    )


def _spent(requirement: Budget, evidence: Evidence, side: Literal["candidate", "base"]) -> _Spent:
    known: list[float] = []
    missing = unmeasured = 0
    for pair in evidence.pairs:
        outcome = pair.candidate if side == "candidate" else pair.base
        answers = _answers(outcome)
        measured = [v for v in map(_MEASURES[requirement.measure], answers) if v is not None]
        known += measured
        unmeasured += len(answers) - len(measured)
        expected = max(pair.case.repeats, len(outcome.samples) if outcome else 0)
        missing += expected - len(answers)
    statistic = _STATISTICS[requirement.statistic]
    with_least = known + [0.0] * (missing + unmeasured)
    return _Spent(
        value=statistic(known) if known else None,
        least=statistic(with_least) if with_least else 0.0,
        n=len(known),
        missing=missing,
        unmeasured=unmeasured,
    )


def _answers(outcome: CaseOutcome | None) -> tuple[Sample, ...]:
    return () if outcome is None else tuple(s for s in outcome.samples if s.error is None)


def _incomplete(requirement: Budget, spent: _Spent) -> str:
    if spent.unmeasured:
        return f"{_UNKNOWN[requirement.measure]} ({spelled(spent.unmeasured, 'answer')})"
    return (
        f"{spelled(spent.missing, 'answer')} never came" if spent.missing else "there are no cases"
    )


def _subject(requirement: Budget) -> str:
    if requirement.statistic == "total":
        return _TOTALS[requirement.measure]
    kind = {"mean": "on average", "p50": "at the median", "p95": "at the 95th percentile"}
    return f"{_SUBJECT[requirement.measure]} {kind[requirement.statistic]}"


def _amount(requirement: Budget, value: float) -> str:
    if requirement.measure == "cost_usd_per_case":
        return usd(value)
    if requirement.measure == "latency_ms":
        return milliseconds(value)
    return f"{value:,.0f}"
