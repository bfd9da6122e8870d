"""How far two groups of answers differ, and how sure that is. Numbers only.

A distribution is compared by the population stability index (PSI), which small groups raise by
chance alone: what chance gives is found by drawing the two groups anew from all values together.
Shares and scores are compared by Newcombe's interval, which is made of Wilson's and stays honest
where every value is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import fsum, log, sqrt
from random import Random
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DRAWS = 1_000
_BINS = 10
_IN_BIN = 5  # values of the smaller group, on average


def stability(baseline: Sequence[int], live: Sequence[int]) -> float:
    """The population stability index of two groups, by how many values each has in each bin."""
    bins = len(baseline)
    total_baseline, total_live = sum(baseline) + bins / 2, sum(live) + bins / 2
    shares = (
        ((b + 0.5) / total_baseline, (v + 0.5) / total_live)  # no bin is empty
        for b, v in zip(baseline, live, strict=True)
    )
    return fsum((v - b) * log(v / b) for b, v in shares)


def stability_by_chance(
    baseline: Sequence[int], live: Sequence[int], *, level: float, seed: str
) -> float:
    """The index that two groups of these sizes reach with probability `level` without any drift."""
    every = [b + v for b, v in zip(baseline, live, strict=True)]
    smaller, bins = min(sum(baseline), sum(live)), range(len(every))
    random = Random(seed)  # noqa: S311 - the same figures every time
    found = []
    for _ in range(_DRAWS):
        drawn = random.sample(bins, smaller, counts=every)
        one = [drawn.count(bin_) for bin_ in bins]
        found.append(stability(one, [e - o for e, o in zip(every, one, strict=True)]))
    return quantile(found, 1 - level)


def edges_of(baseline: Sequence[float], live: Sequence[float]) -> tuple[float, ...]:
    """Where to cut values so that about as many lie in each bin: at most ten, and fewer where one
    group is small.
    """
    ordered = sorted([*baseline, *live])
    bins = max(2, min(_BINS, min(len(baseline), len(live)) // _IN_BIN))
    cuts = (ordered[len(ordered) * number // bins] for number in range(1, bins))
    return tuple(dict.fromkeys(cut for cut in cuts if cut > ordered[0]))


def counts_in(values: Sequence[float], edges: Sequence[float]) -> tuple[int, ...]:
    """How many values lie before the first edge, from each to the next, and from the last on."""
    bounds = (float("-inf"), *edges, float("inf"))
    return tuple(sum(low <= value < high for value in values) for low, high in pairwise(bounds))


def share_interval(share: float, n: int, *, level: float) -> tuple[float, float]:
    """Wilson's score interval of a share, or of a mean of scores between 0 and 1."""
    z = NormalDist().inv_cdf(1 - level / 2)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def difference_of_shares(
    baseline: float, n_baseline: int, live: float, n_live: int, *, level: float
) -> tuple[float, float]:
    """Newcombe's interval of the difference, live less baseline."""
    low_b, high_b = share_interval(baseline, n_baseline, level=level)
    low_v, high_v = share_interval(live, n_live, level=level)
    difference = live - baseline
    return (
        difference - sqrt((live - low_v) ** 2 + (high_b - baseline) ** 2),
        difference + sqrt((high_v - live) ** 2 + (baseline - low_b) ** 2),
    )


def inhomogeneity(
    baseline: NDArray[np.float32], live: NDArray[np.float32], *, seed: str
) -> tuple[float, tuple[float, ...]]:
    """How differently two groups of vectors lie, from 0 to 1, and what chance alone gives, sorted.

    It is the energy distance of Székely and Rizzo as a share of the distances between the groups,
    by the cosine. Rows are L2-normalised.
    """
    import numpy as np

    rows = np.concatenate([baseline, live]).astype(np.float64)
    apart = 1 - rows @ rows.T
    n, m = len(baseline), len(live)
    signs = np.concatenate([np.full(n, 1 / n), np.full(m, -1 / m)])
    digits = np.random.default_rng(list(seed.encode()))
    drawn = np.stack([signs, *(digits.permutation(signs) for _ in range(_DRAWS))])
    energy = -((drawn @ apart) * drawn).sum(axis=1)
    ours = np.maximum(drawn, 0.0)
    between = 2 * ((ours @ apart) * (ours - drawn)).sum(axis=1)
    found = np.clip(energy / np.where(between > 0, between, 1.0), 0.0, 1.0)
    return float(found[0]), tuple(np.sort(found[1:]).tolist())


def mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
