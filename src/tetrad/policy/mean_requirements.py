"""Requirements on a metric's mean: `min` and `no_worse_than_base`."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

from tetrad.model import By, Minimum, NoWorseThanBase
from tetrad.policy.paired import PairedCases, at_least, figure, figures
from tetrad.policy.pairing import Bounds, Pair
from tetrad.policy.statistics import MeanEstimate, cases_needed, estimate
from tetrad.results.gate_report import Decision, RequirementResult
from tetrad.text import pluralize


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mean:
    """A mean over the cases that have it, and the highest that the missing ones allow.

    `hoped` is the most that the true mean is taken to be when asking how many cases would tell.
    """

    estimate: MeanEstimate | None
    best: float
    missing: int
    hoped: float


def judge_minimum(requirement: Minimum, paired: PairedCases) -> RequirementResult:
    metric = requirement.metric
    pairs = tuple(pair for pair in paired.pairs if pair.has(metric))
    spans = [(pair.group, pair.score(metric)) for pair in pairs]
    mean = _mean(spans, bounds=(0.0, 1.0), hoped=1.0)
    decision, aside = _decide(mean, requirement.min, requirement.by)
    return _result(
        "min",
        metric,
        mean,
        threshold=requirement.min,
        decision=decision,
        reason=_minimum_reason(requirement, mean) + aside,
    )


def judge_no_worse(requirement: NoWorseThanBase, paired: PairedCases) -> RequirementResult:
    metric, paired = requirement.metric, paired.compared
    if verdict := paired.without_base(metric):
        decision, reason = verdict
        return RequirementResult(
            requirement="no_worse_than_base",
            metric=metric,
            decision=decision,
            threshold=-requirement.margin,
            reason=reason,
        )
    pairs = tuple(pair for pair in paired.pairs if pair.has(metric))
    spans = [(pair.group, _difference(pair, metric)) for pair in pairs]
    mean = _mean(spans, bounds=(-1.0, 1.0), hoped=0.0)
    decision, aside = _decide(mean, -requirement.margin, requirement.by)
    return _result(
        "no_worse_than_base",
        metric,
        mean,
        threshold=-requirement.margin,
        decision=decision,
        reason=_no_worse_reason(requirement, mean, pairs) + aside,
    )


def _difference(pair: Pair, metric: str) -> Bounds:
    now, before = pair.score(metric), pair.base_score(metric)
    return Bounds(low=now.low - before.high, high=now.high - before.low)


def _mean(
    spans: list[tuple[tuple[str, str], Bounds]], *, bounds: tuple[float, float], hoped: float
) -> _Mean:
    """The mean of the scores that are known; each stands beside its group."""
    known = [(span.low, group) for group, span in spans if span.known]
    return _Mean(
        estimate=estimate([value for value, _ in known], [g for _, g in known], bounds=bounds),
        best=fsum(span.high for _, span in spans) / len(spans) if spans else bounds[1],
        missing=len(spans) - len(known),
        hoped=hoped,
    )


def _decide(mean: _Mean, threshold: float, by: By) -> tuple[Decision, str]:
    """The decision, and what there is to say of it besides the numbers."""
    if not at_least(mean.best, threshold):
        return "FAILED", _whatever_is_missing(mean)
    if mean.estimate is None:
        return "INCONCLUSIVE", ""
    if mean.missing:
        are = "has" if mean.missing == 1 else "have"
        return (
            "INCONCLUSIVE",
            f"; {pluralize(mean.missing, 'case')} {are} no result and could change that",
        )
    if by == "bound" and not at_least(mean.estimate.interval[0], threshold):
        return "INCONCLUSIVE", _too_few(mean, mean.estimate, threshold)
    return "PASSED", ""


def _whatever_is_missing(mean: _Mean) -> str:
    if not mean.missing:
        return ""
    return (
        f"; the best that {pluralize(mean.missing, 'missing case')} could score would not fix that"
    )


def _too_few(mean: _Mean, found: MeanEstimate, threshold: float) -> str:
    """The frozen cases hold, and are too few to believe it of new traffic."""
    needed = cases_needed(found, min(found.mean, mean.hoped), threshold)
    told = f"about {needed:,} would" if needed else "no sample size would"
    return (
        f"; the interval must clear that too, and {pluralize(found.n, 'case')} cannot tell: {told}"
    )


def _minimum_reason(requirement: Minimum, mean: _Mean) -> str:
    found = mean.estimate
    if found is None:
        return _nothing_scored(requirement.metric, mean)
    value, threshold = figures(found.mean, requirement.min)
    side = "at least" if at_least(found.mean, requirement.min) else "below"
    return (
        f"{requirement.metric} averages {value}, {side} the required {threshold}"
        f" ({_size(found)}, 95 % interval {_interval(found)})"
    )


def _no_worse_reason(requirement: NoWorseThanBase, mean: _Mean, pairs: tuple[Pair, ...]) -> str:
    found, metric = mean.estimate, requirement.metric
    if found is None:
        return _nothing_scored(metric, mean)
    both = [p for p in pairs if p.score(metric).known and p.base_score(metric).known]
    now = fsum(p.score(metric).low for p in both) / len(both)
    before = fsum(p.base_score(metric).low for p in both) / len(both)
    change, margin = figures(abs(found.mean), requirement.margin)
    if float(change) == 0:
        compared = f"as the base's {figure(before)}"
    else:
        compared = f"{change} {'below' if found.mean < 0 else 'above'} the base's {figure(before)}"
    return (
        f"{metric} averages {figure(now)}, {compared}; the margin is {margin}"
        f" ({_size(found)}, 95 % interval of the change {_interval(found)};"
        f" {_shows(found)} a change of {figure(found.mde)} or more)"
    )


def _size(found: MeanEstimate) -> str:
    n = f"n = {found.n:,}"
    return n if found.clusters == found.n else f"{n} in {pluralize(found.clusters, 'group')}"


def _shows(found: MeanEstimate) -> str:
    return f"{pluralize(found.n, 'case')} {'shows' if found.n == 1 else 'show'}"


def _interval(found: MeanEstimate) -> str:
    low, high = found.interval
    return f"{figure(low)} to {figure(high)}"


def _nothing_scored(metric: str, mean: _Mean) -> str:
    if mean.missing:
        return f"no case has a result on {metric}"
    return f"no case is scored on {metric}: give an assertion this metric, or drop the requirement"


def _result(
    name: str,
    metric: str,
    mean: _Mean,
    *,
    threshold: float,
    decision: Decision,
    reason: str,
) -> RequirementResult:
    found = mean.estimate
    return RequirementResult(
        requirement=name,
        metric=metric,
        decision=decision,
        value=found.mean if found else None,
        threshold=threshold,
        interval=found.interval if found else None,
        mde=found.mde if found else None,
        n=found.n if found else 0,
        reason=reason,
    )
