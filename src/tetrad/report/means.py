"""The mean of each metric of a suite, whether a requirement asks for it or not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from tetrad.results.gate_report import SuiteReport
from tetrad.results.outcome import CaseOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Mean:
    """Over the cases that have the metric; `base` is None where the base has it on none."""

    metric: str
    mean: float | None  # None: only the base has it
    n: int
    base: float | None


def means(suite: SuiteReport) -> tuple[Mean, ...]:
    """Those of all metrics, in the order in which cases name them."""
    now = _scores([case.candidate for case in suite.cases])
    before = _scores([case.base for case in suite.cases if case.base is not None])
    return tuple(
        Mean(
            metric=metric,
            mean=_mean(now.get(metric, ())),
            n=len(now.get(metric, ())),
            base=_mean(before.get(metric, ())),
        )
        for metric in {**now, **before}
    )


def unrequired(suite: SuiteReport) -> tuple[Mean, ...]:
    """Those that no requirement states."""
    stated = {
        r.metric for r in suite.requirements if r.requirement == "min" and r.value is not None
    }
    return tuple(mean for mean in means(suite) if mean.metric not in stated)


def named(mean: Mean) -> str:
    """The metric, and what it was on the base."""
    return mean.metric if mean.base is None else f"{mean.metric} (base {mean.base:.2f})"


def value(mean: Mean) -> str:
    return "" if mean.mean is None else f"{mean.mean:.2f}"


def _scores(outcomes: Sequence[CaseOutcome]) -> dict[str, list[float]]:
    scores: dict[str, list[float]] = {}
    for outcome in outcomes:
        for metric, score in outcome.metrics.items():
            scores.setdefault(metric, []).append(score)
    return scores


def _mean(scores: Sequence[float]) -> float | None:
    return fsum(scores) / len(scores) if scores else None
