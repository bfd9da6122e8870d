"""The golden set's cases beside what each identity answered: the pairs that policy weighs.

The golden set is the coverage: a case that a run lacks is a missing result, whoever lost it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum

from tetrad.model import Assertion, AssertionSet, Case, MustPass, Suite, Waiver
from tetrad.policy.statistics import TOLERANCE
from tetrad.results.gate_report import Flip
from tetrad.results.outcome import CaseOutcome, Sample, SuiteRun


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """Where a case's score lies: at one point, or between its worst and best if repeats are missing."""

    low: float
    high: float

    @property
    def known(self) -> bool:
        return self.low == self.high


_UNKNOWN = Bounds(low=0.0, high=1.0)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One case of the golden set with its outcomes; None where a run has none."""

    case: Case
    metrics: frozenset[str]  # those that its assertions score
    candidate: CaseOutcome | None
    base: CaseOutcome | None
    waiver: Waiver | None = None
    alone: bool = False  # the base cannot be asked it, so that nothing compares

    @property
    def id(self) -> str:
        return self.case.id

    @property
    def group(self) -> tuple[str, str]:
        """Cases without a group are one each, and no group is named as a case is."""
        return ("group", self.case.group) if self.case.group else ("case", self.case.id)

    def has(self, metric: str) -> bool:
        """Whether the metric says anything of this case."""
        outcomes = (o for o in (self.candidate, self.base) if o is not None)
        return metric in self.metrics or any(
            metric in s.metrics for o in outcomes for s in o.samples
        )

    def is_named_by(self, requirement: MustPass) -> bool:
        """Whether the requirement names the case or one of its tags."""
        tags = set(requirement.tags)
        return self.id in requirement.cases or not tags.isdisjoint(self.case.tags)

    def score(self, metric: str) -> Bounds:
        return _score(self.candidate, metric, self.case.repeats)

    def base_score(self, metric: str) -> Bounds:
        return _score(self.base, metric, self.case.repeats)

    @cached_property
    def answered(self) -> bool:
        return _is_complete(self.candidate, self.case)

    @cached_property
    def base_answered(self) -> bool:
        return _is_complete(self.base, self.case)

    @property
    def passed(self) -> bool:
        return self.candidate is not None and self.answered and self.candidate.passed

    @property
    def surely_failed(self) -> bool:
        """Some repeat failed, so no missing one can fix it."""
        return self.candidate is not None and any(
            s.error is None and not s.passed for s in self.candidate.samples
        )

    @cached_property
    def flip(self) -> Flip:
        """What became of the case; `none` where either side is missing or nothing changed much.

        Broken is a share of passing repeats that fell by at least half, to below half; fixed is
        the same from the other side. A case that wavers is no exception.
        """
        if not (self.answered and self.base_answered) or not (self.candidate and self.base):
            return "none"
        now, before = _pass_rate(self.candidate), _pass_rate(self.base)
        if now < 0.5 and before - now >= 0.5 - TOLERANCE:
            return "broken"
        if before < 0.5 and now - before >= 0.5 - TOLERANCE:
            return "fixed"
        return "already_broken" if before < 0.5 and now < 0.5 else "none"


def pair_up(
    suite: Suite, candidate: SuiteRun | None, base: SuiteRun | None, waivers: Mapping[str, Waiver]
) -> tuple[Pair, ...]:
    now = {outcome.id: outcome for outcome in candidate.cases} if candidate else {}
    before = {outcome.id: outcome for outcome in base.cases} if base else {}
    return tuple(
        Pair(
            case=case,
            metrics=frozenset(scored_metrics(case.assertions, suite.metrics[0])),
            candidate=now.get(case.id),
            base=before.get(case.id),
            waiver=waivers.get(f"{suite.ref}#{case.id}"),
            alone=base is not None and case.id in base.unfit,
        )
        for case in suite.golden.cases
    )


def scored_metrics(assertions: Iterable[Assertion | AssertionSet], default: str) -> Iterator[str]:
    """The metrics that a case's assertions add to.

    A set counts as one assertion, and those within that name a metric count on that one too.
    """
    for assertion in assertions:
        yield assertion.metric or default
        if isinstance(assertion, AssertionSet):
            yield from (inner.metric for inner in assertion.assertions if inner.metric)


def ids(pairs: Sequence[Pair]) -> tuple[str, ...]:
    return tuple(pair.id for pair in pairs)


def _is_complete(outcome: CaseOutcome | None, case: Case) -> bool:
    return outcome is not None and not outcome.missing and len(outcome.samples) >= case.repeats


def _score(outcome: CaseOutcome | None, metric: str, repeats: int) -> Bounds:
    """The mean of the repeats, with 0 and 1 for those that are missing."""
    if outcome is None:
        return _UNKNOWN
    known = [s.metrics[metric] for s in outcome.samples if _scored(s, metric)]
    expected = max(repeats, len(outcome.samples))
    missing = expected - len(known)
    total = fsum(known)
    return Bounds(low=total / expected, high=(total + missing) / expected)


def _scored(sample: Sample, metric: str) -> bool:
    """Whether the sample has a score; NaN and what is out of range is none."""
    score = sample.metrics.get(metric)
    return sample.error is None and score is not None and -TOLERANCE <= score <= 1 + TOLERANCE


def _pass_rate(outcome: CaseOutcome) -> float:
    return sum(s.passed for s in outcome.samples) / len(outcome.samples)
