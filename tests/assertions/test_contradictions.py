"""Which cases with the same variables no answer can meet together, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from evals.cases import HERE, assertion, case

from tetrad.assertions.contradictions import Claims, is_exact
from tetrad.model import Assertion, AssertionSet, Case


def first_contradiction(cases: Sequence[Case]) -> tuple[str, str, str] | None:
    """The first case that cannot be met, the one that it contradicts, and why."""
    claims = Claims()
    for each in cases:
        found = claims.contradicted_by(each)
        if found is not None:
            other, why = found
            return each.id, other.id, why
    return None


def equals(value: object) -> Assertion:
    return assertion("equals", value)


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (equals("x"), equals("y"), "equals 'x' and equals 'y'"),
        (equals("x"), assertion("not-equals", "x"), "equals and not-equals of the same value"),
        (equals(4), assertion("not-equals", 4), "equals and not-equals of the same value"),
        (assertion("contains", "y"), equals("x"), "equals 'x' and contains 'y'"),
        (equals("x"), assertion("contains", "y"), "equals 'x' and contains 'y'"),
        (equals("xy"), assertion("not-contains", "y"), "equals 'xy' and not-contains 'y'"),
        (assertion("not-icontains", "Y"), equals("xy"), "equals 'xy' and not-icontains 'Y'"),
        (equals("xy"), assertion("starts-with", "y"), "equals 'xy' and starts-with 'y'"),
        (
            assertion("regex", "[0-9]"),
            assertion("not-regex", "[0-9]"),
            "regex and not-regex of the same value",
        ),
        (
            assertion("rouge-n", "x", threshold=0.5),
            assertion("not-rouge-n", "x", threshold=0.5),
            "rouge-n and not-rouge-n of the same value",
        ),
    ],
)
def test_two_assertions_that_exclude_each_other(one: Assertion, other: Assertion, why: str) -> None:
    assert first_contradiction([case("a", one), case("b", other)]) == ("b", "a", why)
    assert first_contradiction([case("a", one, other)]) == ("a", "a", why)
    group = AssertionSet(assertions=(other,), location=HERE)
    assert first_contradiction([case("a", one), case("b", group)]) == ("b", "a", why)


@pytest.mark.parametrize(
    "assertions",
    [
        (equals("x"), equals("x")),
        (equals("xy"), assertion("contains", "y"), assertion("icontains", "X")),
        (equals("x"), assertion("not-equals", "y"), assertion("not-contains", "y")),
        (assertion("contains", "x"), assertion("contains", "y")),  # an answer may hold both
        (assertion("not-equals", "x"), assertion("not-equals", "y")),
        (assertion("contains", "x"), assertion("starts-with", "y")),
        (equals("x"), equals("{{ expected }}")),  # known once the variables are filled in
        (equals("x"), equals(4)),
        (equals("café"), equals("cafe\u0301")),
        (assertion("rouge-n", "x", threshold=0.5), assertion("not-rouge-n", "x", threshold=0.9)),
        (
            assertion("llm-rubric", "is kind", config={"provider": "a"}),
            assertion("not-llm-rubric", "is kind", config={"provider": "b"}),
        ),
        (equals("x"), assertion("no-such-type", "y")),
    ],
)
def test_what_one_answer_can_meet(assertions: tuple[Assertion, ...]) -> None:
    assert first_contradiction([case("a", *assertions)]) is None
    assert first_contradiction([case(str(n), each) for n, each in enumerate(assertions)]) is None


@pytest.mark.parametrize(
    "lenient",
    [
        case("b", equals("y"), threshold=0.5),
        case("b", equals("y"), transform="output.trim()"),
        case("b", assertion("equals", "y", transform="output.trim()")),
        case("b", AssertionSet(assertions=(equals("y"),), threshold=0.5, location=HERE)),
        case(
            "b",
            AssertionSet(
                assertions=(assertion("equals", "y", transform="output.trim()"),), location=HERE
            ),
        ),
    ],
)
def test_an_assertion_that_need_not_pass_of_the_answer_as_it_came_excludes_nothing(
    lenient: Case,
) -> None:
    strict = case("a", equals("x"))

    assert first_contradiction([strict, lenient]) is None
    assert first_contradiction([lenient, strict]) is None


def test_the_first_case_is_named_that_cannot_be_met_together() -> None:
    agreeing = [case(f"c{n}", assertion("contains", letter)) for n, letter in enumerate("abc")]
    after = case("last", assertion("not-contains", "d"), equals("abd"))

    assert first_contradiction([*agreeing, after]) == (
        "last",
        "c2",
        "equals 'abd' and contains 'c'",
    )


@pytest.mark.parametrize(
    ("before", "last", "told"),
    [
        (
            [assertion("not-contains", "y"), equals("x")],
            [assertion("contains", "z"), equals("y")],
            "equals 'y' and not-contains 'y'",
        ),
        (
            [equals("xy"), assertion("contains", "y")],
            [assertion("not-contains", "y")],
            "equals 'xy' and not-contains 'y'",
        ),
        (
            [equals("x")],
            [assertion("contains", "y"), assertion("contains", "z")],
            "equals 'x' and contains 'y'",
        ),
    ],
)
def test_of_several_reasons_the_one_with_the_earliest_case_is_told(
    before: list[Assertion], last: list[Assertion], told: str
) -> None:
    cases = [case(f"c{number}", each) for number, each in enumerate(before)]

    assert first_contradiction([*cases, case("last", *last)]) == ("last", "c0", told)


def test_a_case_is_held_against_each_case_before_it_also_those_found_wrong() -> None:
    claims = Claims()
    told = [
        claims.contradicted_by(each)
        for each in (
            case("a", equals("x")),
            case("b", assertion("contains", "y")),
            case("c", assertion("contains", "y")),
            case("d", assertion("contains", "x"), assertion("not-contains", "y")),
            case("e", equals("x")),
        )
    ]

    assert [found and (found[0].id, found[1]) for found in told] == [
        None,
        ("a", "equals 'x' and contains 'y'"),
        ("a", "equals 'x' and contains 'y'"),
        ("b", "contains and not-contains of the same value"),
        ("b", "equals 'x' and contains 'y'"),
    ]


@pytest.mark.parametrize(
    ("checked", "exact"),
    [
        (equals("x"), True),
        (equals("{{ x }}"), False),
        (equals({"a": 1}), False),
        (assertion("not-equals", "x"), False),
        (assertion("contains", "x"), False),
        (assertion("regex", "x"), False),
    ],
)
def test_an_exact_assertion_passes_one_known_text_alone(checked: Assertion, exact: bool) -> None:
    assert is_exact(checked) is exact
