"""Which stack of the base a new one of the head was renamed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

import pytest
from evals.cases import HERE, MODEL, PROMPT, stack
from policy.factory import case, suite

from tetrad.model import Case, Prompt, PromptMessage, Repository, Stack
from tetrad.plan import partners_of
from tetrad.trees import WorkingTree

A, B, C = (case(name) for name in "abc")


def prompt(text: str, ref: str = "prompts/a") -> Prompt:
    return replace(
        PROMPT, ref=ref, messages=(PromptMessage(role="user", content=text, location=HERE),)
    )


def named(ref: str, **changed: object) -> Stack:
    return replace(stack(**changed), ref=ref)


SORT = prompt("Sort each review: is it positive or negative? {{ message }}", "prompts/sort")
EDITED = prompt("Judge each review: is it positive or negative? {{ message }}", "prompts/judge")
REWRITTEN = prompt("Translate into French. {{ message }}", "prompts/sort")
OTHER = prompt("Add up all of these numbers for me: {{ message }}", "prompts/add")
LARGE = replace(MODEL, ref="stacks/models/large", context_window=4096)


def repository(
    stacks: Sequence[Stack], judged: Mapping[str, tuple[Sequence[str], Sequence[Case]]]
) -> Repository:
    by_ref = {one.ref: one for one in stacks}
    suites = {
        ref: replace(suite(cases), ref=ref, stacks=tuple(by_ref[name] for name in names))
        for ref, (names, cases) in judged.items()
    }
    return Repository(files=WorkingTree(Path()), stacks=by_ref, suites=suites)


@pytest.mark.parametrize(
    ("before", "after", "renamed"),
    [
        # the same under another name, whatever else is new
        ([named("a", prompt=SORT)], [named("b", prompt=SORT)], {"b": "a"}),
        (
            [named("a", prompt=SORT)],
            [named("b", prompt=SORT), named("c", prompt=EDITED)],
            {"b": "a"},
        ),
        # edited on the way
        ([named("a", prompt=SORT)], [named("b", prompt=EDITED)], {"b": "a"}),
        ([named("a", prompt=SORT)], [named("b", prompt=REWRITTEN)], {"b": "a"}),
        ([named("a", prompt=SORT)], [named("b", prompt=SORT, model=LARGE)], {"b": "a"}),
        ([named("a", prompt=SORT)], [named("b", prompt=EDITED, model=LARGE)], {"b": "a"}),
        # of two alike that are gone, one is the same still
        (
            [named("a", prompt=SORT), named("c", prompt=SORT)],
            [named("b", prompt=SORT), named("d", prompt=EDITED)],
            {"b": "a", "d": "c"},
        ),
        # what it is made of decides
        (
            [named("a", prompt=SORT), named("c", prompt=SORT, model=LARGE)],
            [named("b", prompt=EDITED, model=LARGE), named("d", prompt=EDITED)],
            {"b": "c", "d": "a"},
        ),
        # a model in common says nothing
        ([named("a", prompt=SORT)], [named("b", prompt=OTHER)], {}),
        # nothing is gone
        ([named("a", prompt=SORT)], [named("a", prompt=SORT), named("b", prompt=SORT)], {}),
    ],
)
def test_a_stack_is_known_again_by_what_it_is_made_of(
    before: Sequence[Stack], after: Sequence[Stack], renamed: Mapping[str, str]
) -> None:
    for stacks in (after, after[::-1]):
        partners = partners_of(repository(stacks, {}), repository(before, {}))

        assert partners.stacks == renamed


@pytest.mark.parametrize(
    ("before", "after", "is_replaced"),
    [
        # it is put the cases that judged the other
        ({"x": (["a"], [A, B])}, {"x": (["b"], [A, B])}, False),
        ({"x": (["a"], [A, B])}, {"y": (["b"], [A, B])}, False),
        ({"x": (["a"], [A, B])}, {"x": (["b"], [A])}, False),
        # most of them are gone, or others
        ({"x": (["a"], [A, B, C])}, {"x": (["b"], [A])}, True),
        ({"x": (["a"], [A])}, {"y": (["b"], [C])}, True),
        ({"x": (["a"], [A]), "own": (["a"], [B, C])}, {"x": (["b"], [A])}, True),
        # it is not put to it
        ({"x": (["a"], [A])}, {"x": ([], [A])}, True),
        ({"x": (["a"], [A])}, {}, True),
    ],
)
def test_a_stack_is_known_again_by_the_cases_that_judge_it(
    before: Mapping[str, tuple[Sequence[str], Sequence[Case]]],
    after: Mapping[str, tuple[Sequence[str], Sequence[Case]]],
    is_replaced: bool,
) -> None:
    base = repository([named("a", prompt=SORT)], before)
    head = repository([named("b", prompt=OTHER)], after)

    partners = partners_of(head, base)

    assert partners.stacks == {"b": "a"}
    assert partners.replaced == ({"b"} if is_replaced else set())


JUDGED = {"x": (["a"], [A])}


@pytest.mark.parametrize(
    ("before", "after", "stacks", "replaced"),
    [
        # one that is alike comes before one that is not
        (
            [named("a", prompt=SORT)],
            [named("b", prompt=OTHER), named("d", prompt=EDITED)],
            {"d": "a"},
            set(),
        ),
        # of those that are not alike, what is shared decides
        (
            [named("a", prompt=SORT, model=LARGE)],
            [named("b", prompt=OTHER), named("d", prompt=OTHER, model=LARGE)],
            {"d": "a"},
            {"d"},
        ),
        # what was renamed takes nobody else's place; what nothing judged has no place to take
        (
            [named("a", prompt=SORT), named("c", prompt=OTHER)],
            [named("d", prompt=SORT), named("b", prompt=OTHER)],
            {"d": "a", "b": "c"},
            set(),
        ),
        ([named("a", prompt=SORT), named("c", prompt=OTHER)], [named("a", prompt=SORT),
          named("b", prompt=prompt("Say hello.", "prompts/hello"))], {}, set()),
    ],
)  # fmt: skip
def test_a_new_stack_that_is_like_none_takes_the_place_of_one_that_was_judged(
    before: Sequence[Stack],
    after: Sequence[Stack],
    stacks: Mapping[str, str],
    replaced: AbstractSet[str],
) -> None:
    for there in (after, after[::-1]):
        partners = partners_of(repository(there, {}), repository(before, JUDGED))

        assert (partners.stacks, partners.replaced) == (stacks, replaced)
