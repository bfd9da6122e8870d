"""How far two groups differ: published examples, laws, and how often chance is taken for drift."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tetrad.learning import shifts


@pytest.mark.parametrize(
    ("hits", "n", "interval"),
    [  # Newcombe (1998), Statistics in Medicine 17, 857-872, table I
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_the_interval_of_a_share_is_wilsons(
    hits: int, n: int, interval: tuple[float, float]
) -> None:
    assert shifts.share_interval(hits / n, n, level=0.05) == pytest.approx(interval, abs=5e-5)


@pytest.mark.parametrize(
    ("one", "other", "interval"),
    [  # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
        ((0, 10), (0, 10), (-0.2775, 0.2775)),
    ],
)
def test_the_interval_of_a_difference_is_newcombes(
    one: tuple[int, int], other: tuple[int, int], interval: tuple[float, float]
) -> None:
    (hits, n), (other_hits, other_n) = one, other

    found = shifts.difference_of_shares(other_hits / other_n, other_n, hits / n, n, level=0.05)

    assert found == pytest.approx(interval, abs=5e-5)


def test_the_index_is_that_of_its_definition() -> None:
    """With many values, what keeps bins from being empty does not count."""
    found = shifts.stability([500_000, 500_000], [250_000, 750_000])

    assert found == pytest.approx(0.25 * log(3), abs=1e-5)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=8))
def test_the_index_is_none_of_equal_groups_and_never_negative(
    counts: list[tuple[int, int]],
) -> None:
    one, other = [a for a, _ in counts], [b for _, b in counts]

    assert shifts.stability(one, one) == pytest.approx(0)
    assert shifts.stability(one, other) >= -1e-12


GROUP = st.lists(st.integers(0, 1_000), min_size=1, max_size=200)


@given(GROUP, GROUP)
def test_every_value_lies_in_one_bin(one: list[int], other: list[int]) -> None:
    edges = shifts.edges_of(one, other)

    assert sum(shifts.counts_in(one, edges)) == len(one)
    assert len(edges) <= 9
    assert list(edges) == sorted(set(edges))


def draw(random: Random, n: int, weights: Sequence[float]) -> list[int]:
    drawn = random.choices(range(len(weights)), weights, k=n)
    return [drawn.count(bin_) for bin_ in range(len(weights))]


def test_chance_is_taken_for_drift_as_rarely_as_was_asked() -> None:
    """Forty cases in ten bins: an index of 0.2 alone would cry wolf every other time."""
    random = Random(7)
    alone, alarms = 0, 0
    for run in range(40):
        one, other = draw(random, 40, [1] * 10), draw(random, 300, [1] * 10)
        index = shifts.stability(one, other)
        alone += index > 0.2
        alarms += index > shifts.stability_by_chance(one, other, level=0.05, seed=str(run))

    assert alone > 12
    assert alarms <= 6


def test_a_shift_is_seen() -> None:
    random = Random(7)
    for run in range(10):
        one, other = draw(random, 60, [1] * 5), draw(random, 300, [1, 1, 1, 1, 6])
        chance = shifts.stability_by_chance(one, other, level=0.05, seed=str(run))
        assert shifts.stability(one, other) > max(0.2, chance)


def vectors(digits: np.random.Generator, n: int, towards: int) -> NDArray[np.float32]:
    """Vectors of length one, more or less in a direction."""
    drawn = digits.normal(size=(n, 16))
    drawn[:, towards] += 3
    made: NDArray[np.float32] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return made


def test_vectors_of_one_kind_are_taken_for_two_as_rarely_as_was_asked() -> None:
    digits = np.random.default_rng(7)
    alarms = 0
    for run in range(40):
        one, other = vectors(digits, 30, 0), vectors(digits, 120, 0)
        index, by_chance = shifts.inhomogeneity(one, other, seed=str(run))
        alarms += index > shifts.quantile(by_chance, 0.95)

    assert alarms <= 6


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_vectors_of_another_kind_are_seen(share: float) -> None:
    digits = np.random.default_rng(7)
    strange = int(120 * share)
    one = vectors(digits, 30, 0)
    other = np.concatenate([vectors(digits, strange, 1), vectors(digits, 120 - strange, 0)])

    index, by_chance = shifts.inhomogeneity(one, other, seed="s")

    assert index > shifts.quantile(by_chance, 0.99)
    assert 0 < index < 1


def test_the_index_of_vectors_is_that_of_its_definition() -> None:
    """Two opposite points: all distance is between the groups."""
    one = np.array([[1.0, 0.0]] * 3, dtype=np.float32)

    assert shifts.inhomogeneity(one, -one, seed="s")[0] == pytest.approx(1)
    assert shifts.inhomogeneity(one, one, seed="s")[0] == 0


def test_the_same_seed_gives_the_same_figures() -> None:
    digits = np.random.default_rng(7)
    one, other = vectors(digits, 30, 0), vectors(digits, 30, 1)

    first = shifts.inhomogeneity(one, other, seed="a")

    assert first == shifts.inhomogeneity(one, other, seed="a")
    assert first != shifts.inhomogeneity(one, other, seed="b")
