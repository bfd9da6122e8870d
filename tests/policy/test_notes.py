"""What came of a change of the yardstick, told beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from policy.factory import BAD, GOOD, outcome, sample

from tetrad.policy.notes import Sighting, noted
from tetrad.results.gate_report import YardstickChange
from tetrad.results.outcome import Sample


def sighting(
    seen: Mapping[str, Sample], own: Mapping[str, Sample], *, of: str = "evals/triage"
) -> Sighting:
    return Sighting(
        suite=of,
        model=of,
        by_base={name: outcome(given, name=name) for name, given in seen.items()},
        own={name: outcome(given, name=name) for name, given in own.items()},
    )


def priced(*costs: float | None) -> dict[str, Sample]:
    return {f"c{i}": sample(1.0, cost_usd=cost) for i, cost in enumerate(costs)}


GRADED = [
    sighting({"c0": GOOD, "c1": GOOD, "c9": GOOD}, {"c0": GOOD, "c1": BAD, "c8": GOOD}),
    sighting({"c0": GOOD, "c1": GOOD}, {"c0": BAD, "c1": BAD}, of="evals/another"),
]
PAID = [
    sighting(priced(0.001, 0.003, None, 9.0), priced(0.002, 0.006, 0.004), of="stacks/models/m"),
    sighting(priced(5.0), priced(5.0), of="stacks/models/another"),
]


@pytest.mark.parametrize(
    ("change", "seen", "note"),
    [
        ("judge", GRADED, "other scores on 1 of 2 cases"),
        ("code", GRADED, "other scores on 1 of 2 cases"),
        ("assertions", GRADED, "other scores on 1 of 2 cases"),
        ("input", GRADED, ""),
        ("requirement", GRADED, ""),
        ("prices", PAID, "an answer costs $0.002 at the base's prices, $0.004 now"),
        ("prices", PAID[1:], ""),
        ("prices", [sighting(priced(None), priced(1.0), of="stacks/models/m")], ""),
        ("prices", [sighting(priced(1.0), priced(None), of="stacks/models/m")], ""),
        ("judge", GRADED[1:], ""),
        ("judge", [sighting({"c0": GOOD}, {"c0": GOOD})], "same scores on 1 case"),
        ("judge", [sighting({"c0": GOOD, "c1": BAD}, {"c0": GOOD, "c1": BAD})] * 2,
         "same scores on 4 cases"),
        ("judge", [sighting({"c0": GOOD}, {"c1": GOOD})], ""),
    ],
)  # fmt: skip
def test_what_came_of_a_change_of_the_yardstick_is_told_beside_it(
    change: Any, seen: Sequence[Sighting], note: str
) -> None:
    ref = "stacks/models/m" if change == "prices" else "evals/triage"
    moved = YardstickChange(kind=change, ref=ref, name="default", cases=("c0", "c1", "c7"))

    assert noted([moved, moved], seen) == (replace(moved, note=note),) * 2


def test_so_many_cases_are_written_with_separators() -> None:
    names = tuple(f"c{i}" for i in range(2500))
    moved = YardstickChange(kind="judge", ref="evals/triage", cases=names)
    seen = sighting(dict.fromkeys(names, GOOD), dict.fromkeys(names, BAD))

    (change,) = noted([moved], [seen])

    assert change.note == "other scores on 2,500 of 2,500 cases"
