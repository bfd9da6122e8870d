"""How sure a mean over cases is: clustered intervals, detectable effects, sizes. Numbers only.

The estimator is the paired, clustered one that Miller recommends ("Adding Error Bars to Evals",
arXiv 2411.00640), in the form that keeps its promise with few and unequal groups: residuals
adjusted by their leverage (CR2) and Student's t with the degrees of freedom of Bell and McCaffrey
(2002). With every case its own group it is the ordinary standard error with n - 1.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import atan, ceil, cos, exp, fsum, lgamma, log, log1p, pi, sqrt
from statistics import NormalDist

# Scores are weighted means of a few assertions, computed in binary: two that a person calls equal
# may differ by some 1e-16. No two that a person calls different are this near.
TOLERANCE = 1e-9

# The interval's end is a 97.5 % quantile, so a size with 80 % power reckons with that one:
# 1.960 + 0.842. With 10 % of cases differing and a margin of 0.02 it asks for about 1,963.
_SIZE = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)
_UNSEEN = 3.0  # the rule of three: what n cases did not show is at most 3/n of the traffic
_SLICES = 128  # of an integral; an even number


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanEstimate:
    """A mean over `n` cases in `clusters` groups, and how far it speaks for other traffic.

    `mde` is the smallest true change that so many cases show with 80 % power; `variance` is that
    of one case, as far as cases of a group are independent; `bounds` are the least and the most
    that a case can score.
    """

    mean: float
    n: int
    clusters: int
    interval: tuple[float, float]
    mde: float
    variance: float
    bounds: tuple[float, float]


def estimate(
    values: Sequence[float], groups: Sequence[Hashable], *, bounds: tuple[float, float]
) -> MeanEstimate | None:
    """The mean of values that lie in `bounds`, clustered by group; None where there are none.

    However little the values vary, each end lies at least 3/n of the way (n groups) from the mean
    to the end of `bounds`: what none of n groups showed may still be 3/n of the traffic, and differ
    by as much as it can. Where nothing varies, or all cases are of one group, that is all there is.
    """
    if not values:
        return None
    n = len(values)
    mean = fsum(values) / n
    sizes = Counter(groups)
    variance = _variance_of_mean(values, groups, sizes, mean)
    low, high = bounds
    unseen = min(1.0, _UNSEEN / len(sizes))
    below, above = unseen * (mean - low), unseen * (high - mean)
    reach = power = 0.0
    if variance > TOLERANCE**2:
        error, df = sqrt(variance), _degrees_of_freedom(sizes, n)
        reach, power = _student_t(df, 0.975) * error, _student_t(df, 0.8) * error
    return MeanEstimate(
        mean=mean,
        n=n,
        clusters=len(sizes),
        interval=(
            max(low, mean - max(reach, below)),
            min(high, mean + max(reach, above)),
        ),
        mde=min(high - low, max(reach + power, below, above)),
        variance=variance * n,
        bounds=bounds,
    )


def cases_needed(found: MeanEstimate, mean: float, threshold: float) -> int | None:
    """About how many cases, of groups of this size, tell that `mean` is above the threshold.

    By the interval's lower end, in 80 of 100 runs; None where no number would.
    """
    gap = mean - threshold
    if gap <= TOLERANCE:
        return None
    by_variance = found.variance * (_SIZE / gap) ** 2
    unseen = _UNSEEN * (mean - found.bounds[0]) / gap * found.n / found.clusters
    return max(ceil(by_variance), ceil(unseen - TOLERANCE), found.n + 1)


def nearest_rank(values: Iterable[float], share: float) -> float:
    """The smallest of the values that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(ceil(share * len(ordered) - TOLERANCE), 1) - 1]


def _variance_of_mean(
    values: Sequence[float], groups: Sequence[Hashable], sizes: Counter[Hashable], mean: float
) -> float:
    if len(sizes) < 2:
        return 0.0
    residuals: defaultdict[Hashable, list[float]] = defaultdict(list)
    for value, group in zip(values, groups, strict=True):
        residuals[group].append(value - mean)
    n = len(values)
    adjusted = (fsum(rs) ** 2 / (1 - sizes[group] / n) for group, rs in residuals.items())
    return fsum(adjusted) / n**2


def _degrees_of_freedom(sizes: Counter[Hashable], n: int) -> float:
    """Bell and McCaffrey's, under independence: the closed form for a mean."""
    weights = [size**2 / (n - size) for size in sizes.values()]
    shared = fsum(weights) ** 2 - fsum(w**2 for w in weights)
    return n**2 / (fsum(size**2 for size in sizes.values()) + shared)


def _student_t(df: float, probability: float) -> float:
    """The quantile for a probability over one half, to seven decimals; `df` is at least 1.

    By Newton's method from the normal quantile: right of 0 the distribution function is concave,
    so every step comes from below. A library for this one number would be most of what the
    package installs, and of what a gate loads.
    """
    scale = exp(lgamma((df + 1) / 2) - lgamma(df / 2)) / sqrt(pi)
    t = step = NormalDist().inv_cdf(probability)
    while step > TOLERANCE * t:
        density = scale / sqrt(df) * exp(-(df + 1) / 2 * log1p(t * t / df))
        step = (probability - 0.5 - scale * _area(df, t)) / density
        t += step
    return round(t, 7)  # what lies behind depends on the machine


def _area(df: float, t: float) -> float:
    """The integral of (1 + x²/df)^(-(df + 1)/2) / √df from 0 to t.

    By Simpson's rule over the angle whose tangent is x/√df, in which nothing is steep.
    """
    width = atan(t / sqrt(df)) / _SLICES
    heights = [exp((df - 1) * log(cos(width * i))) for i in range(_SLICES + 1)]
    inner = 4 * fsum(heights[1:-1:2]) + 2 * fsum(heights[2:-1:2])
    return (heights[0] + inner + heights[-1]) * width / 3
