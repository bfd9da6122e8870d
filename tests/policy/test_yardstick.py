"""Judging by the base's yardstick: what lines of a change accept of it, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from policy.factory import (
    HERE,
    budget,
    case,
    judge,
    max_flips,
    minimum,
    must_pass,
    no_worse,
    outcome,
    run,
    sample,
    scores,
    suite,
    waiver,
)

from tetrad.errors import Location
from tetrad.model import Acceptance, Assertion, AssertionSet, MustPass, Requirement
from tetrad.policy import (
    Beside,
    Narrowed,
    base_verdict,
    failing,
    narrowed,
    scores_alike,
    unasked,
    unjudged,
)
from tetrad.policy.base_yardstick import requirement_name
from tetrad.results.gate_report import AcceptanceUse, BaseDecision, CaseReport
from tetrad.results.outcome import AssertionResult, CaseOutcome, Sample
from tetrad.results.trace import Trace


def accept(**what: str) -> Acceptance:
    return Acceptance(
        suite="evals/triage", reason="Sold no more.", owner="@desk", location=HERE, **what
    )


def asserted(metric: str | None) -> Assertion:
    return Assertion(type="equals", value="x", metric=metric, location=HERE)


CASES = (
    case("c0", tags=("safety",)),
    case("c1", tags=("safety", "slow"), metrics=("answer", "sources")),
    case("c2", metrics=("sources",)),
    replace(
        case("c3", tags=("money",)),
        assertions=(
            asserted(None),  # on the first metric of the suite
            AssertionSet(assertions=(asserted(None), asserted("sources")), location=HERE),
            AssertionSet(assertions=(asserted("sources"),), metric="answer", location=HERE),
        ),
    ),
    replace(case("c4"), assertions=()),
    replace(
        case("c5"),
        assertions=(
            AssertionSet(
                assertions=(asserted("sources"), asserted("tone")),
                metric="tone",
                threshold=0.5,
                location=HERE,
            ),
        ),
    ),
)
GATE = (
    minimum(0.5),
    minimum(0.5, metric="sources"),
    no_worse(0.1),
    MustPass(tags=("safety", "money", "ghost"), cases=("c2", "gone"), location=HERE),
    max_flips(1),
    budget("total_tokens", "total", most=9),
)
WHOLE = [
    "min answer",
    "min sources",
    "no_worse_than_base answer",
    "must_pass safety money ghost c2 gone",
    "max_flips",
    "total_tokens",
]


def metrics(item: Assertion | AssertionSet) -> Any:
    if isinstance(item, Assertion):
        return item.metric
    return (item.metric, [inner.metric for inner in item.assertions])


def words(requirement: Requirement) -> str:
    if isinstance(requirement, MustPass):
        return " ".join(("must_pass", *requirement.tags, *requirement.cases))
    metric = getattr(requirement, "metric", None)
    return f"{requirement_name(requirement)} {metric}" if metric else requirement_name(requirement)


def left(found: Narrowed) -> tuple[dict[str, Any], list[str]]:
    golden = found.suite.golden
    return (
        {c.id: [metrics(item) for item in c.assertions] for c in golden.cases},
        [words(requirement) for requirement in found.suite.gate],
    )


ALL_CASES = {
    "c0": ["answer"],
    "c1": ["answer", "sources"],
    "c2": ["sources"],
    "c3": [None, (None, [None, "sources"]), ("answer", ["sources"])],
    "c4": [],
    "c5": [("tone", ["sources", "tone"])],
}


def without(*names: str) -> dict[str, Any]:
    return {name: items for name, items in ALL_CASES.items() if name not in names}


@pytest.mark.parametrize(
    ("line", "cases", "gate"),
    [
        ({"case": "c4"}, without("c4"), WHOLE),
        (
            {"case": "c2"},
            without("c2"),
            [*WHOLE[:3], "must_pass safety money ghost gone", *WHOLE[4:]],
        ),
        (
            {"tag": "safety"},
            without("c0", "c1"),
            [*WHOLE[:3], "must_pass money ghost c2 gone", *WHOLE[4:]],
        ),
        ({"tag": "slow"}, without("c1"), WHOLE),
        (
            {"metric": "sources"},
            {
                "c0": ["answer"],
                "c1": ["answer"],
                "c3": [None, (None, [None])],
                "c4": [],
                "c5": [("tone", ["tone"])],
            },
            [
                "min answer",
                "no_worse_than_base answer",
                "must_pass safety money ghost gone",
                "max_flips",
                "total_tokens",
            ],
        ),
        (
            {"metric": "answer"},
            {
                "c1": ["sources"],
                "c2": ["sources"],
                "c4": [],
                "c5": [("tone", ["sources", "tone"])],
            },
            ["min sources", "must_pass safety ghost c2 gone", "max_flips", "total_tokens"],
        ),
        ({"requirement": "min"}, ALL_CASES, WHOLE[2:]),
        ({"requirement": "no_worse_than_base"}, ALL_CASES, [*WHOLE[:2], *WHOLE[3:]]),
        ({"requirement": "must_pass"}, ALL_CASES, [*WHOLE[:3], *WHOLE[4:]]),
        ({"requirement": "max_flips"}, ALL_CASES, [*WHOLE[:4], *WHOLE[5:]]),
        ({"requirement": "total_tokens"}, ALL_CASES, WHOLE[:5]),
    ],
)
def test_what_is_accepted_is_looked_at_no_more(
    line: Mapping[str, str], cases: Mapping[str, Any], gate: Sequence[str]
) -> None:
    whole = suite(CASES, *GATE)

    found = narrowed(whole, [accept(**line)])

    assert left(found) == (cases, gate)
    assert found.used == (accept(**line),)
    assert found.judges
    assert found.suite.golden.digest == whole.golden.digest


@pytest.mark.parametrize(
    "line",
    [
        {"case": "gone"},
        {"tag": "ghost"},
        {"metric": "tone"},
        {"requirement": "latency_ms"},
        {"requirement": "answer"},
    ],
)
def test_a_line_that_names_nothing_accepts_nothing(line: Mapping[str, str]) -> None:
    whole = suite(CASES, *GATE)

    found = narrowed(whole, [accept(**line)])

    assert found == Narrowed(suite=whole, used=())
    both = narrowed(whole, [accept(**line), accept(case="c0")])
    assert both.used == (accept(case="c0"),)
    assert left(both)[0] == without("c0")


def test_a_requirement_that_names_only_what_is_accepted_is_gone_with_it() -> None:
    gate = (
        must_pass("money"),
        must_pass(cases=("c2",)),
        must_pass("money", "safety"),
        must_pass(cases=("c0", "c2")),
        max_flips(0),
    )

    found = narrowed(suite(CASES, *gate), [accept(tag="money"), accept(case="c2")])

    assert left(found)[1] == ["must_pass safety", "must_pass c0", "max_flips"]


def test_where_all_cases_or_all_requirements_are_accepted_nothing_is_left_to_judge_by() -> None:
    lone = suite(CASES[:1], max_flips(0))

    assert narrowed(lone, []).judges
    assert not narrowed(lone, [accept(case="c0")]).judges
    assert not narrowed(lone, [accept(metric="answer")]).judges
    assert not narrowed(lone, [accept(requirement="max_flips")]).judges


def test_a_case_that_cannot_be_put_to_the_candidate_fails_on_all_its_metrics() -> None:
    asked = replace(
        CASES[1], group="g", repeats=2, location=Location("evals/triage/golden.yaml", 7, 3)
    )

    assert failing(asked, suite([asked]), "it takes no variable message") == CaseOutcome(
        id="c1",
        group="g",
        tags=("safety", "slow"),
        line=7,
        samples=(
            Sample(
                output="",
                passed=False,
                metrics={"answer": 0.0, "sources": 0.0},
                assertions=(
                    AssertionResult(
                        type="yardstick",
                        metric="answer",
                        passed=False,
                        score=0.0,
                        reason="cannot be put to the candidate: it takes no variable message",
                    ),
                ),
                cost_usd=0.0,
                latency_s=0.0,
            ),
        )
        * 2,
    )
    unnamed = replace(case("c0"), assertions=(asserted(None),))
    assert failing(unnamed, suite([unnamed]), "x").metrics == {"answer": 0.0}
    assert failing(CASES[3], suite(CASES), "x").metrics == {"answer": 0.0, "sources": 0.0}


def test_a_case_that_is_not_asked_as_on_the_base_is_a_missing_result() -> None:
    asked = replace(
        CASES[1], group="g", repeats=2, location=Location("evals/triage/golden.yaml", 7, 3)
    )

    assert unasked(asked, "its input is another") == CaseOutcome(
        id="c1",
        group="g",
        tags=("safety", "slow"),
        line=7,
        samples=(
            Sample(
                output="",
                error="cannot be asked as on the base: its input is another",
                metrics={},
            ),
        )
        * 2,
    )


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (sample(1.0), sample(1.0), True),
        (sample(1.0), sample(1.0 - 1e-12), True),
        (sample(1.0), sample(0.75), False),
        (sample(0.75), sample(1.0), False),
        (sample(0.5, passed=True), sample(0.5, passed=False), False),
        (sample(None), sample(None), True),
        (sample(None), sample(1.0), False),
        (sample(1.0), sample(None), False),
        (sample(None), sample(0.0, metrics={}), False),
        (sample(1.0), sample(1.0, metrics={"answer": 1.0, "sources": 1.0}), False),
        (sample(1.0, metrics={"answer": 1.0, "sources": 1.0}), sample(1.0), False),
        (
            sample(1.0, metrics={"answer": 1.0, "sources": 1.0}),
            sample(1.0, metrics={"answer": 1.0, "sources": 0.5}),
            False,
        ),
        (sample(0.0, passed=True), sample(1e-9, passed=True), True),
    ],
)
def test_two_yardsticks_say_the_same_where_scores_and_passing_are_the_same(
    one: Sample, other: Sample, expected: bool
) -> None:
    assert scores_alike(outcome(one), outcome(other)) is expected


def test_a_verdict_by_the_base_names_the_cases_that_it_sees_otherwise() -> None:
    traced = replace(sample(0.0), trace=Trace(vars={}, steps=(), output=""))
    before = scores([1.0, 1.0, 1.0])
    before = replace(before, cases=(replace(before.cases[0], samples=(traced,)), *before.cases[1:]))
    candidate = run({"c0": traced, "c1": sample(1.0), "c2": sample(1.0), "c3": sample(0.0)})
    gate = (max_flips(3), must_pass(cases=("c3",)))
    golden = [case(f"c{i}") for i in range(4)]
    decided = judge(gate, candidate, before, golden=golden, waivers=[waiver("c3")])
    line = accept(tag="slow")

    verdict = base_verdict(
        Narrowed(suite=suite(golden, *gate), used=(line,)),
        decided,
        candidate,
        before,
        Beside(
            heads=("evals/triage", "evals/more"),
            own={name: outcome(sample(1.0), name=name) for name in ("c0", "c1")},
            regraded=(),
            binding=True,
            is_refused=False,
        ),
    )

    assert verdict == BaseDecision(
        suite="evals/triage",
        heads=("evals/triage", "evals/more"),
        decision="PASSED",
        binding=True,
        requirements=decided.requirements,
        cases=(
            CaseReport(
                id="c0",
                flip="already_broken",
                candidate=outcome(sample(0.0)),
                base=outcome(sample(0.0)),
            ),
            CaseReport(
                id="c3",
                flip="none",
                waived="The queue was renamed. (@support-lead, until 2027-01-31)",
                candidate=outcome(sample(0.0), name="c3"),
            ),
        ),
        alike=1,
        accepted=(
            AcceptanceUse(
                suite="evals/triage", what="tag slow", reason="Sold no more.", owner="@desk"
            ),
        ),
    )


def test_a_yardstick_that_is_accepted_away_does_not_apply() -> None:
    line = accept(case="c0")
    by = narrowed(suite(CASES[:1], max_flips(0)), [line])

    assert unjudged(by, "", heads=("evals/more",), binding=True) == BaseDecision(
        suite="evals/triage",
        heads=("evals/more",),
        decision="NOT_APPLICABLE",
        binding=True,
        accepted=(
            AcceptanceUse(
                suite="evals/triage", what="case c0", reason="Sold no more.", owner="@desk"
            ),
        ),
    )
