"""A metric that a change only renames is loosened by nothing but a lower requirement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest
from policy.factory import HERE, case, minimum, suite

from tetrad.model import Assertion, AssertionSet, Case, Repository, Requirement, Suite
from tetrad.plan import partners_of, yardstick_changes
from tetrad.results.gate_report import YardstickChange
from tetrad.trees import WorkingTree

Edit: TypeAlias = Callable[[Suite], Suite]

GATE = (minimum(0.7, metric="answer"), minimum(0.5, metric="tone"))


def judged(answer: str, *gate: Requirement) -> Suite:
    """Two cases that score a metric of this name and the tone, one of them in a set as well."""
    plain, grouped = (case(name, metrics=(answer, "tone")) for name in "ab")
    group = AssertionSet(
        assertions=(Assertion(type="equals", value="y", metric="tone", location=HERE),),
        metric=answer,
        location=HERE,
    )
    cases = [plain, replace(grouped, assertions=(*grouped.assertions, group))]
    return replace(suite(cases, *gate), metrics=(answer, "tone"))


def told(old: Suite, new: Suite) -> tuple[YardstickChange, ...]:
    base, head = (
        Repository(files=WorkingTree(Path()), suites={one.ref: one}) for one in (old, new)
    )
    return yardstick_changes(head, base, partners_of(head, base))


def renamed(edit: Edit = lambda suite: suite, least: float = 0.7) -> tuple[YardstickChange, ...]:
    gate = minimum(least, metric="quality"), minimum(0.5, metric="tone")
    return told(judged("answer", *GATE), edit(judged("quality", *gate)))


def with_first(suite: Suite, edit: Callable[[Case], Case]) -> Suite:
    first, *rest = suite.golden.cases
    return replace(suite, golden=suite.golden.with_cases([edit(first), *rest]))


def with_last(suite: Suite, *more: Case) -> Suite:
    return replace(suite, golden=suite.golden.with_cases([*suite.golden.cases, *more]))


def easier(asked: Case) -> Case:
    first = Assertion(type="equals", value="", metric="quality", location=HERE)
    return replace(asked, assertions=(first, *asked.assertions[1:]))


def unnamed(asked: Case) -> Case:
    """The first metric is what an assertion means that names none."""
    first, *rest = asked.assertions
    return replace(asked, assertions=(replace(first, metric=None), *rest))


def tone_alone(asked: Case) -> Case:
    return replace(asked, assertions=asked.assertions[1:])


def under_the_other(asked: Case) -> Case:
    first, second = asked.assertions
    return replace(
        asked,
        assertions=(replace(first, metric="tone"), replace(second, metric="quality")),
    )


@pytest.mark.parametrize("edit", [lambda suite: suite, lambda suite: with_first(suite, unnamed)])
def test_a_metric_that_is_only_renamed_is_no_loosening(edit: Edit) -> None:
    (found,) = renamed(edit)

    assert (found.kind, found.before, found.after) == ("setting", "answer, tone", "quality, tone")
    assert found.note == "only renamed, the same assertions score them"


def test_a_renamed_metric_whose_requirement_is_lower_is_named_under_both_names() -> None:
    found = renamed(least=0.6)

    (lower,) = (one for one in found if one.kind == "requirement")
    assert (lower.before, lower.after) == ("answer ≥ 0.70", "quality ≥ 0.60")


@pytest.mark.parametrize(
    "edit",
    [
        lambda suite: with_first(suite, easier),
        lambda suite: with_first(suite, tone_alone),
        lambda suite: with_first(suite, under_the_other),
        lambda suite: with_first(suite, lambda asked: replace(asked, vars={"message": "easier"})),
        lambda suite: with_first(suite, lambda asked: replace(asked, transform="output")),
        lambda suite: with_last(suite, case("c", metrics=("quality",))),
        lambda suite: replace(suite, golden=suite.golden.with_cases(suite.golden.cases[:1])),
        lambda suite: replace(suite, tools="live"),
        lambda suite: replace(suite, metrics=("quality", "tone", "more")),
    ],
)
def test_a_metric_that_scores_otherwise_under_its_new_name_is_a_loosening(edit: Edit) -> None:
    found = renamed(edit)

    assert ("answer ≥ 0.70", "") in [(one.before, one.after) for one in found]
    assert not any(one.note for one in found)


def test_code_scores_by_names_so_that_metrics_beside_it_are_not_only_renamed() -> None:
    def coded(one: Suite) -> Suite:
        code = Assertion(type="python", value="grade(output)", location=HERE)
        return with_first(one, lambda a: replace(a, assertions=(*a.assertions, code)))

    gate = minimum(0.7, metric="quality"), minimum(0.5, metric="tone")
    found = told(coded(judged("answer", *GATE)), coded(judged("quality", *gate)))

    assert [one.before for one in found if one.kind == "requirement"] == ["answer ≥ 0.70"]


def test_a_metric_that_takes_the_name_of_another_is_a_loosening() -> None:
    """Nobody who reads the requirements sees that a name means something else now."""
    old = judged("answer", *GATE)
    swapped = with_first(
        replace(old, metrics=("tone", "answer"), gate=GATE[1:]),
        lambda asked: replace(asked, assertions=asked.assertions[:1]),
    )

    assert "answer ≥ 0.70" in [one.before for one in told(old, swapped)]
