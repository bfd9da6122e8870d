"""Whether live answers have drifted from the golden set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from tetrad.canonical import digest_of
from tetrad.learning.drift import DriftMeasure, Observation, StackDrift, farthest, measures


def observed(random: Random, **others: Any) -> Observation:
    """An answer like all others, but for what is named."""
    words = random.randint(3, 12)
    plain = {"asked": "word " * words, "variables": {"language": "en"}, "output": "yes " * words}
    return Observation(**{**plain, "scores": {"answer": 1.0}, **others})


def group(n: int, *, seed: int, share: float = 0.0, **others: Any) -> list[Observation]:
    """Many answers; a share of them has what is named."""
    random = Random(seed)
    return [observed(random, **(others if random.random() < share else {})) for _ in range(n)]


def compared(
    live: Sequence[Observation], *, cases: int = 60, **others: Any
) -> dict[str, DriftMeasure]:
    baseline = others.pop("baseline", None) or group(cases, seed=1)
    found = measures(
        baseline, live,
        **{"has_contract": True, "has_guardrails": True, "categories": {"language": ["en", "de"]},
           "seed": "s", **others},
    )  # fmt: skip
    return {measure.name: measure for measure in found}


def drifted(found: dict[str, DriftMeasure]) -> set[str]:
    return {name for name, measure in found.items() if measure.drifted}


def test_traffic_like_the_golden_set_has_not_drifted() -> None:
    alarms = sum(bool(drifted(compared(group(200, seed=seed)))) for seed in range(10, 22))

    assert alarms <= 2


@pytest.mark.parametrize(
    ("others", "named"),
    [
        ({"asked": "word " * 60}, {"question length"}),
        ({"variables": {"language": "de"}}, {"language"}),
        ({"variables": {"language": "fr"}}, {"language"}),
        ({"output": "no " * 80}, {"answer length"}),
        ({"refused": True}, {"refusals"}),
        ({"broken": True}, {"contract failures"}),
        ({"stopped": True}, {"guardrails"}),
        ({"scores": {"answer": 0.0}}, {"score answer"}),
    ],
)
def test_what_has_drifted_is_named(others: dict[str, Any], named: set[str]) -> None:
    assert drifted(compared(group(200, seed=2, share=0.4, **others))) == named


@pytest.mark.parametrize(
    "others", [{"refused": True}, {"broken": True}, {"scores": {"answer": 0.0}}]
)
def test_better_than_the_golden_set_is_no_drift(others: dict[str, Any]) -> None:
    baseline = group(60, seed=3, share=0.5, **others)

    assert drifted(compared(group(200, seed=2), baseline=baseline)) == set()


def test_a_change_that_nobody_would_notice_is_no_drift() -> None:
    """However many answers show it."""
    live = group(2_000, seed=2, share=0.03, refused=True)

    found = compared(live, baseline=group(1_000, seed=3))["refusals"]

    assert found.interval is not None
    assert found.interval[0] > 0
    assert not found.drifted


def test_labels_are_compared_where_answers_are_labels() -> None:
    live = group(200, seed=2, share=0.9, output="billing")
    baseline = group(60, seed=3, share=0.9, output="delivery")

    found = compared(live, baseline=baseline, labels=["billing", "delivery"])

    assert "answer length" not in found
    assert drifted(found) == {"labels"}
    assert [bar.label for bar in found["labels"].bars] == ["billing", "delivery", "other"]
    assert sum(bar.live for bar in found["labels"].bars) == pytest.approx(1)


def test_questions_that_no_case_is_near_to_are_shown() -> None:
    random = Random(4)
    live = [
        observed(random, asked=f"question {n}", distance=random.uniform(0.1, 0.3))
        for n in range(60)
    ]
    far = Observation(asked="something else", variables={}, output="", distance=0.9)

    again = replace(far, distance=0.05)

    shown = farthest([again, *live, far, far])

    assert shown[0] == far
    distances = [one.distance or 0.0 for one in shown]
    assert distances == sorted(distances, reverse=True)
    assert len(shown) == 5
    assert len({one.asked for one in shown}) == len(shown)


@pytest.mark.parametrize(
    ("index", "chance", "is_drift"), [(0.3, 0.1, True), (0.3, 0.4, False), (0.04, 0.01, False)]
)
def test_meaning_drifts_beyond_chance_and_a_little(
    index: float, chance: float, is_drift: bool
) -> None:
    found = compared(group(100, seed=2), meaning=(index, [0.0] * 500 + [chance] * 500))

    assert found["question meaning"].drifted is is_drift


def test_without_an_embedder_there_is_no_meaning() -> None:
    assert "question meaning" not in compared(group(100, seed=2))


def test_a_contract_and_guardrails_are_looked_at_where_there_are_some() -> None:
    found = compared(group(100, seed=2), has_contract=False, has_guardrails=False)

    assert not {"contract failures", "guardrails"} & found.keys()


def test_the_decision_is_that_of_the_measures() -> None:
    fine = StackDrift(stack="s", identity=digest_of("i"), answers=100, cases=60)
    few = StackDrift(stack="s", identity=digest_of("i"), answers=1, cases=60, problem="1 answer")
    moved = compared(group(200, seed=2, share=0.4, refused=True))
    drift = StackDrift(
        stack="s", identity=digest_of("i"), answers=200, cases=60, measures=(*moved.values(),)
    )

    assert [one.decision for one in (fine, few, drift)] == ["fine", "too little data", "drift"]
