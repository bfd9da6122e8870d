"""Which requirements a change loosens, and how that is said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from policy.factory import budget, max_flips, minimum, must_pass, no_worse

from tetrad.model import Requirement
from tetrad.plan.requirements import loosened


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([minimum(0.7)], [minimum(0.7)], []),
        ([minimum(0.7)], [minimum(0.9)], []),
        ([minimum(0.7)], [minimum(0.0000001)], [("answer ≥ 0.70", "answer ≥ 0.0000001")]),
        ([minimum(0.7)], [], [("answer ≥ 0.70", "")]),
        ([minimum(0.7)], [minimum(0.7, metric="tone")], [("answer ≥ 0.70", "")]),
        ([minimum(0.7)], [minimum(0.1), minimum(0.8)], []),
        (
            [minimum(0.7, by="bound")],
            [minimum(0.8)],
            [("answer ≥ 0.70 by bound", "answer ≥ 0.80")],
        ),
        ([no_worse(0.05)], [no_worse(0.01, by="bound")], []),
        (
            [no_worse(0.05)],
            [no_worse(0.5)],
            [("answer at most 0.05 below the base", "answer at most 0.50 below the base")],
        ),
        ([max_flips(1)], [max_flips(0)], []),
        ([max_flips(1)], [max_flips(2)], [("flips ≤ 1", "flips ≤ 2")]),
        ([must_pass("a", "b")], [must_pass("a"), must_pass("b", cases=("c",))], []),
        (
            [must_pass("a", cases=("c",))],
            [must_pass("a", "b")],
            [("must pass: tag a, case c", "must pass: tag a, tag b")],
        ),
        (
            [budget("cost_usd_per_case", "mean", most=0.002)],
            [budget("cost_usd_per_case", "p95", most=0.002)],
            [("mean cost ≤ $0.002", "p95 cost ≤ $0.002")],
        ),
        (
            [budget("cost_usd_per_case", "p95", most=0.02)],
            [budget("cost_usd_per_case", "mean", most=0.02)],
            [("p95 cost ≤ $0.02", "mean cost ≤ $0.02")],
        ),
        # what was there before is in the place of nothing
        (
            [budget("latency_ms", "p95", most=900), budget("latency_ms", "p50", most=400)],
            [budget("latency_ms", "p50", most=400)],
            [("p95 latency ≤ 900 ms", "")],
        ),
        (
            [budget("latency_ms", "p95", most=900)],
            [budget("cost_usd_per_case", "p95", most=1)],
            [("p95 latency ≤ 900 ms", "")],
        ),
        (
            [minimum(0.7)],
            [no_worse(0.1)],
            [("answer ≥ 0.70", "answer at most 0.10 below the base")],
        ),
        (
            [budget("latency_ms", "p95", most=900, increase=0.1)],
            [budget("latency_ms", "p95", most=900)],
            [("p95 latency ≤ 900 ms and at most 10 % over the base", "p95 latency ≤ 900 ms")],
        ),
    ],
)
def test_what_is_required_no_more_or_less_is_told(
    before: Sequence[Requirement], after: Sequence[Requirement], told: list[tuple[str, str]]
) -> None:
    assert [tuple(found) for found in loosened(before, after)] == told
