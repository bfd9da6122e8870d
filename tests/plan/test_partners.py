"""Which cases and suites of the base are which of the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from policy.factory import case, suite

from tetrad.model import Case, Repository, Turn
from tetrad.plan import partners_of
from tetrad.trees import WorkingTree


def repository(suites: Mapping[str, Sequence[Case]]) -> Repository:
    made = {ref: replace(suite(cases), ref=ref) for ref, cases in suites.items()}
    return Repository(files=WorkingTree(Path()), suites=made)


def derived(name: str) -> Case:
    """A case whose id nobody wrote."""
    return replace(case(name), derived=True)


def under(name: str, asked: Case) -> Case:
    return replace(asked, id=name)


def renamed(asked: Case, variable: str) -> Case:
    return replace(asked, vars=dict.fromkeys([variable], *asked.vars.values()))


def after_turns(asked: Case) -> Case:
    return replace(asked, turns=(Turn(role="user", content="Hello"),))


A, B, C = (case(name) for name in "abc")


@pytest.mark.parametrize(
    ("base", "head", "pairs"),
    [
        ({"x": [A, B]}, {"x": [B, A]}, {("x", "a"): ("x", "a"), ("x", "b"): ("x", "b")}),
        # an id that somebody wrote goes before what is asked
        (
            {"x": [A, B]},
            {"x": [under("b", A), under("a", B)]},
            {("x", "a"): ("x", "a"), ("x", "b"): ("x", "b")},
        ),
        ({"x": [A]}, {"x": [under("z", A)]}, {("x", "a"): ("x", "z")}),
        ({"x": [derived("a")]}, {"x": [under("z", A)]}, {("x", "a"): ("x", "z")}),
        (
            {"x": [derived("a")]},
            {"x": [under("0f", renamed(derived("a"), "text"))]},
            {("x", "a"): ("x", "0f")},
        ),
        ({"x": [A]}, {"x": [B]}, {}),
        # what is asked after other turns is something else
        ({"x": [derived("a")]}, {"x": [under("z", after_turns(A))]}, {}),
        (
            {"x": [after_turns(derived("a"))]},
            {"x": [under("z", after_turns(A))]},
            {("x", "a"): ("x", "z")},
        ),
        # renamed, and one case edited on the way
        (
            {"x": [A, B]},
            {"y": [A, under("b", C)]},
            {("x", "a"): ("y", "a"), ("x", "b"): ("y", "b")},
        ),
        # split
        ({"x": [A, B]}, {"x": [A], "y": [B]}, {("x", "a"): ("x", "a"), ("x", "b"): ("y", "b")}),
        # a new suite with an id of the same name is another one
        ({"x": [A]}, {"y": [under("a", C)]}, {}),
        # a case moves to a suite that was there before
        ({"x": [A, B], "y": [C]}, {"x": [A], "y": [C, B]},
         {("x", "a"): ("x", "a"), ("x", "b"): ("y", "b"), ("y", "c"): ("y", "c")}),
    ],
)  # fmt: skip
def test_cases_are_found_again(
    base: Mapping[str, Sequence[Case]],
    head: Mapping[str, Sequence[Case]],
    pairs: Mapping[tuple[str, str], tuple[str, str]],
) -> None:
    found = partners_of(repository(head), repository(base))

    there = {
        (ref, id_): (partner.suite, partner.case.id)
        for ref, cases in found.of_base.items()
        for id_, partner in cases.items()
    }
    back = {
        (partner.suite, partner.case.id): (ref, id_)
        for ref, cases in found.of_head.items()
        for id_, partner in cases.items()
    }
    assert there == back == pairs
