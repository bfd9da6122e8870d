"""The interval keeps its promise on simulated traffic, and says so where it cannot know."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.policy.statistics import MeanEstimate, cases_needed, estimate, nearest_rank

PAIRED = (-1.0, 1.0)
UNIT = (0.0, 1.0)


def known(found: MeanEstimate | None) -> MeanEstimate:
    assert found is not None
    return found


def test_nothing_has_no_estimate() -> None:
    assert estimate([], [], bounds=UNIT) is None


def test_independent_cases_have_the_textbook_interval() -> None:
    values = [0.2, 0.4, 0.4, 0.7, 0.9]

    found = known(estimate(values, range(5), bounds=UNIT))

    error = float(np.std(values, ddof=1)) / sqrt(5)
    assert found.mean == pytest.approx(0.52)
    assert found.interval == pytest.approx((0.52 - 2.776445 * error, 0.52 + 2.776445 * error))
    assert found.mde == pytest.approx((2.776445 + 0.940965) * error)


@pytest.mark.parametrize(
    ("n", "sure", "powerful"),
    [
        (5, 2.776445, 0.940965),
        (6, 2.570582, 0.919544),
        (31, 2.042272, 0.853767),
        (1000, 1.962341, 0.841982),
    ],
)
def test_quantiles_are_those_of_the_tables_of_students_t(
    n: int, sure: float, powerful: float
) -> None:
    values = [0.5 + 0.3 * (-1) ** i for i in range(n)]

    found = known(estimate(values, range(n), bounds=UNIT))

    error = float(np.std(values, ddof=1)) / sqrt(n)
    assert (found.interval[1] - found.mean) / error == pytest.approx(sure, rel=1e-6)
    assert found.mde / error == pytest.approx(sure + powerful, rel=1e-6)


def test_equal_groups_have_millers_clustered_error() -> None:
    values = [0.1, 0.3, -0.2, 0.0, 0.4, 0.6, -0.1, -0.3]
    groups = [0, 0, 1, 1, 2, 2, 3, 3]

    found = known(estimate(values, groups, bounds=(-0.5, 0.7)))

    means = [0.2, -0.1, 0.5, -0.2]
    assert found.clusters == 4
    assert found.interval[1] - found.mean == pytest.approx(
        3.182446 * float(np.std(means, ddof=1)) / 2
    )


@pytest.mark.parametrize(
    ("values", "groups", "interval"),
    [
        ([0.0] * 60, range(60), (-0.05, 0.05)),
        ([0.0] * 2, range(2), (-1.0, 1.0)),
        ([0.0], [0], (-1.0, 1.0)),
        ([0.5], [0], (-1.0, 1.0)),
        ([0.5, -0.5, 0.2], [7, 7, 7], (-1.0, 1.0)),  # one group says as much as one case
        ([-1.0] * 30, range(30), (-1.0, -0.8)),
        ([0.0] * 60, [i % 6 for i in range(60)], (-0.5, 0.5)),
    ],
    ids=["sixty", "two", "one", "one that differs", "one group", "all worse", "six groups"],
)
def test_where_nothing_varies_the_interval_is_the_rule_of_threes(
    values: list[float], groups: list[int], interval: tuple[float, float]
) -> None:
    assert known(estimate(values, groups, bounds=PAIRED)).interval == pytest.approx(interval)


@pytest.mark.parametrize("differing", [1, 2, 5])
@pytest.mark.parametrize("by", [-1e-12, 1e-6, 0.001, -0.001])
@pytest.mark.parametrize("clusters", [60, 12])
def test_a_very_small_variance_makes_no_interval_narrower_than_none_at_all(
    differing: int, by: float, clusters: int
) -> None:
    groups = [i % clusters for i in range(60)]
    values = [by] * differing + [0.0] * (60 - differing)

    found = known(estimate(values, groups, bounds=PAIRED))

    low, high = found.interval
    unseen = 3 / clusters
    assert found.mean - low >= unseen * (found.mean + 1) - 1e-12
    assert high - found.mean >= unseen * (1 - found.mean) - 1e-12
    assert found.mde >= unseen * (1 - abs(found.mean))


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 20)), min_size=1, max_size=60),
)
def test_each_end_lies_three_nths_of_the_way_to_the_end_of_what_is_possible_or_further(
    data: list[tuple[float, int]],
) -> None:
    groups = [g for _, g in data]

    found = known(estimate([v for v, _ in data], groups, bounds=PAIRED))

    unseen = min(1.0, 3 / len(set(groups)))
    low, high = found.interval
    assert found.mean - low >= unseen * (found.mean + 1) - 1e-9
    assert high - found.mean >= unseen * (1 - found.mean) - 1e-9


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=1, max_size=60),
)
def test_every_interval_is_finite_holds_its_mean_and_is_never_plus_or_minus_nothing(
    data: list[tuple[float, int]],
) -> None:
    found = known(estimate([v for v, _ in data], [g for _, g in data], bounds=UNIT))

    low, high = found.interval
    assert 0 <= low <= found.mean + 1e-12
    assert found.mean - 1e-12 <= high <= 1
    assert high > low
    assert 0 < found.mde <= 1


@pytest.mark.parametrize("spread", [0.0, 0.3], ids=["independent", "correlated in groups"])
@pytest.mark.parametrize("clusters", [12, 40])
def test_the_interval_covers_the_truth_about_95_times_in_100(clusters: int, spread: float) -> None:
    random = np.random.default_rng(20261121)
    repeats, truth = 1500, -0.04
    covered = 0
    for _ in range(repeats):
        sizes = random.integers(1, 6, clusters)
        groups = np.repeat(np.arange(clusters), sizes)
        shared = np.repeat(random.uniform(-spread, spread, clusters), sizes)
        worse = random.random(len(groups)) < np.clip(0.5 - truth / 2 + shared, 0, 1)
        values = np.where(worse, -1.0, 1.0)
        low, high = known(estimate(values.tolist(), groups.tolist(), bounds=PAIRED)).interval
        covered += low <= truth <= high

    assert 0.93 <= covered / repeats <= 0.975


def test_a_change_as_large_as_the_mde_is_seen_about_80_times_in_100() -> None:
    random = np.random.default_rng(7)
    repeats, n = 1500, 80
    seen = 0
    for _ in range(repeats):
        noise = random.normal(0, 0.2, n)
        mde = known(estimate(noise.tolist(), range(n), bounds=PAIRED)).mde
        changed = known(estimate((noise * -1 + mde).tolist(), range(n), bounds=PAIRED))
        seen += changed.interval[0] > 0

    assert 0.74 <= seen / repeats <= 0.86


def discordant(cases: int, share: float) -> list[float]:
    """Paired differences of which that share is 1 or -1, as often the one as the other."""
    each = round(cases * share / 2)
    return [1.0] * each + [-1.0] * each + [0.0] * (cases - 2 * each)


def test_ten_percent_discordance_and_a_margin_of_two_points_need_about_1963_cases() -> None:
    found = known(estimate(discordant(1000, 0.1), range(1000), bounds=PAIRED))

    needed = cases_needed(found, 0.0, -0.02)

    assert needed is not None
    assert 1960 <= needed <= 1968


@pytest.mark.parametrize(
    ("share", "margin"),
    [pytest.param(0.1, 0.02, marks=pytest.mark.campaign), (0.3, 0.08), (0.5, 0.1)],
)
def test_as_many_cases_as_are_asked_for_tell_in_about_80_of_100_runs(
    share: float, margin: float
) -> None:
    random = np.random.default_rng(20261129)
    pilot = known(estimate(discordant(100, share), range(100), bounds=PAIRED))
    needed = cases_needed(pilot, 0.0, -margin)
    assert needed is not None
    repeats = 800

    told = 0
    for _ in range(repeats):
        values = random.choice([1.0, -1.0, 0.0], needed, p=[share / 2, share / 2, 1 - share])
        low, _ = known(estimate(values.tolist(), range(needed), bounds=PAIRED)).interval
        told += low >= -margin

    assert 0.76 <= told / repeats <= 0.84


def test_more_cases_are_asked_for_than_there_are_and_none_where_none_would_do() -> None:
    perfect = known(estimate([0.0] * 100, range(100), bounds=PAIRED))
    plenty = known(estimate([0.0] * 1000, range(1000), bounds=PAIRED))

    assert cases_needed(perfect, 0.0, -0.02) == 150
    assert cases_needed(plenty, 0.0, -0.02) == 1001
    assert cases_needed(perfect, -0.02, -0.02) is None


@pytest.mark.parametrize("odd", [0.0, 1e-6, 0.01])
@pytest.mark.parametrize("a_group", [1, 5])
def test_so_many_cases_that_all_but_agree_clear_the_threshold(odd: float, a_group: int) -> None:
    def found(cases: int) -> MeanEstimate:
        values = [1.0 - odd] + [1.0] * (cases - 1)
        return known(estimate(values, [i // a_group for i in range(cases)], bounds=UNIT))

    pilot = found(20)
    needed = cases_needed(pilot, pilot.mean, 0.9)

    assert needed is not None
    assert pilot.interval[0] < 0.9
    assert found(needed).interval[0] >= 0.9 - 1e-3


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(i) for i in range(1, 101)]

    assert nearest_rank(values, 0.95) == 95
    assert nearest_rank(values, 0.5) == 50
    assert nearest_rank([3.0], 0.95) == 3
    assert nearest_rank([1.0, 2.0], 0.5) == 1


def test_fewer_cases_are_asked_for_the_nearer_the_mean_is_to_the_least_that_can_be() -> None:
    halves = known(estimate([0.5] * 5, range(5), bounds=UNIT))

    assert cases_needed(halves, 0.5, 0.4) == 15
    assert cases_needed(halves, 0.5, 0.45) == 30


def test_a_value_without_a_group_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        estimate([0.1, 0.2, 0.3], [1, 2], bounds=UNIT)
