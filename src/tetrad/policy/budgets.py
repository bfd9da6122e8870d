"""Budgets: what the candidate's answers cost in money, time and tokens.

A case costs what one of its repeats costs on average, and weighs as much as another; for time and
tokens every repeat is an answer. Costs and latencies are those of the original, uncached call. What
was not measured counts as missing: at best it cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from tetrad.model import Budget, Case
from tetrad.policy.paired import PairedCases, worst
from tetrad.policy.statistics import TOLERANCE, nearest_rank
from tetrad.results.gate_report import Decision, RequirementResult
from tetrad.results.outcome import CaseOutcome, Sample
from tetrad.text import milliseconds, pluralize, usd

_MEASURES: Mapping[str, Callable[[Sample], float | None]] = {
    "cost_usd_per_case": lambda sample: sample.cost_usd,
    "latency_ms": lambda s: None if s.latency_s is None else s.latency_s * 1000,
    "total_tokens": lambda sample: sample.usage.total_tokens,
}
_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "mean": lambda values: fsum(values) / len(values),
    "p50": lambda values: nearest_rank(values, 0.5),
    "p95": lambda values: nearest_rank(values, 0.95),
    "total": fsum,
}
_SUBJECT = {
    "cost_usd_per_case": "the cost of a case",
    "latency_ms": "the latency of an answer",
    "total_tokens": "the number of tokens of an answer",
}
_NOT_COUNTED = "the endpoint does not say how many tokens it used"
_UNMEASURED: Mapping[str, Callable[[Sample], str]] = {
    "cost_usd_per_case": lambda sample: (
        _NOT_COUNTED if sample.usage.total_tokens is None else "the model has no prices"
    ),
    "latency_ms": lambda _: "the engine answers in batches and reports no latency of a case",
    "total_tokens": lambda _: _NOT_COUNTED,
}
_TOTALS = {
    "cost_usd_per_case": "the cost of all cases",
    "latency_ms": "the latency of all answers",
    "total_tokens": "the number of tokens of all answers",
}


@dataclass(frozen=True, slots=True)
class _Item:
    """What is counted, a case or an answer; `least` is its measure where what lacks is nothing."""

    value: float | None
    least: float = 0.0
    why: str = ""  # it was not measured; empty where there is no answer


@dataclass(frozen=True, kw_only=True, slots=True)
class _Spent:
    """A statistic over the known answers, and its least where the missing ones cost nothing."""

    value: float | None
    least: float
    n: int
    missing: int  # those without an answer
    unmeasured: int  # those answered without the measure
    why: str  # they were not measured

    @property
    def complete(self) -> bool:
        return self.value is not None and not self.missing and not self.unmeasured


def judge_budget(requirement: Budget, paired: PairedCases) -> RequirementResult:
    spent = _spent(requirement, paired)
    verdicts: list[tuple[Decision, str, float | None]] = []
    if requirement.max is not None:
        verdicts.append(_absolute(requirement, spent, requirement.max))
    if requirement.increase is not None:
        compared = paired.compared
        now = _spent(requirement, compared)
        verdicts.append(_relative(requirement, now, compared, requirement.increase))
    decision = worst(decision for decision, _, _ in verdicts)
    told = [verdict for verdict in verdicts if verdict[0] == decision]
    return RequirementResult(
        requirement=requirement.measure,
        statistic=requirement.statistic,
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
    requirement: Budget, spent: _Spent, paired: PairedCases, increase: float
) -> tuple[Decision, str, float | None]:
    if verdict := paired.without_base(_subject(requirement)):
        return *verdict, None
    base = _spent(requirement, paired, on_base=True)
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
        aside = "; missing results cannot fix that" if not spent.complete else ""
        return "FAILED", f"{subject} is {_amount(requirement, value)}, and {against}{aside}"
    if spent.value is None or not spent.complete:
        return "INCONCLUSIVE", f"{subject} is not known: {_incomplete(requirement, spent)}"
    return (
        "PASSED",
        f"{subject} is {_amount(requirement, spent.value)}; {against} (n = {spent.n:,})",
    )


def _spent(requirement: Budget, paired: PairedCases, *, on_base: bool = False) -> _Spent:
    items = [
        item
        for pair in paired.pairs
        for item in _items(requirement, pair.case, pair.base if on_base else pair.candidate)
    ]
    known = [item.value for item in items if item.value is not None]
    whys = [item.why for item in items if item.why]
    statistic = _STATISTICS[requirement.statistic]
    return _Spent(
        value=statistic(known) if known else None,
        least=statistic([item.least for item in items]) if items else 0.0,
        n=len(known),
        missing=len(items) - len(known) - len(whys),
        unmeasured=len(whys),
        why=whys[0] if whys else "",
    )


def _items(requirement: Budget, case: Case, outcome: CaseOutcome | None) -> Iterator[_Item]:
    answers = list(_answers(requirement.measure, outcome))
    expected = max(case.repeats, len(outcome.samples)) if outcome else case.repeats
    answers += [_Item(None)] * (expected - len(answers))
    if requirement.measure != "cost_usd_per_case":
        yield from answers
        return
    values = [one.value for one in answers if one.value is not None]
    yield _Item(
        fsum(values) / expected if len(values) == expected else None,
        least=fsum(values) / expected,
        why=next((one.why for one in answers if one.why), ""),
    )


def _answers(measure: str, outcome: CaseOutcome | None) -> Iterator[_Item]:
    for sample in outcome.samples if outcome else ():
        if sample.error is None:
            value = _MEASURES[measure](sample)
            why = _UNMEASURED[measure](sample) if value is None else ""
            yield _Item(value, value or 0.0, why)


def _incomplete(requirement: Budget, spent: _Spent) -> str:
    kind = "case" if requirement.measure == "cost_usd_per_case" else "response"
    if spent.unmeasured:
        return f"{spent.why} ({pluralize(spent.unmeasured, kind)})"
    if not spent.missing:
        return "there are no cases"
    missing = pluralize(spent.missing, kind)
    return f"{missing} without a result" if kind == "case" else f"{missing} missing"


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
