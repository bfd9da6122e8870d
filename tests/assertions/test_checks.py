"""What is wrong with a golden set's assertions, told with its place before anything is asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from evals.cases import HERE, assertion, case, stack, suite

from tetrad.assertions.checks import (
    is_code,
    issues_as_written,
    issues_on_stack,
    issues_when_rendered,
    issues_without_judges,
    value_problem,
    why_it_cannot_fail,
    why_it_cannot_pass,
)
from tetrad.errors import Issue, Location
from tetrad.model import Assertion, AssertionSet, Case, GoldenSet

ELSEWHERE = Location("evals/a/golden.yaml", 9, 1)
SUITE = "evals/a/suite.yaml"


def golden(*assertions: Assertion | AssertionSet, **further: Any) -> GoldenSet:
    return suite(case("a", *assertions, **further)).golden


def told(issues: Iterable[Issue]) -> list[tuple[str, str]]:
    """Messages and hints of issues, each at its place and of the rule that judging needs."""
    found = list(issues)
    assert {(i.location, i.code, i.blocks) for i in found} <= {(HERE, "GLD983", "judge")}
    return [(i.message, i.hint) for i in found]


NO_TEMPLATE = "has a value that is not a valid template"
JAVASCRIPT = (
    "the transform 'output.split()' is JavaScript, which does not run here",
    "write a function in a file: transform: file://transform.py:get_transform",
)


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        (golden(assertion("equals", "x")), []),
        (golden(assertion("equals")), [("equals needs a `value`", "")]),
        (golden(assertion("not-equals")), [("not-equals needs a `value`", "")]),
        (golden(assertion("equals", "x", transform="output.split()")), [JAVASCRIPT]),
        (golden(assertion("equals", "x", transform="output.trim()")), []),
        (golden(assertion("equals", "x"), transform="output.split()"), [JAVASCRIPT]),
        (golden(assertion("equals", "x"), transform="file://t.py"), []),
        (golden(assertion("regex", "({{ message }}")), []),
        (golden(assertion("contains-any", ["", "{{ message }}"])), []),
        (golden(assertion("contains-any", "file://values.py")), []),
        (
            golden(assertion("equals", "{{ message")),
            [
                (
                    f"equals {NO_TEMPLATE}: {{{{ is not closed",
                    "close it with }}",
                )
            ],
        ),
        (
            golden(assertion("contains-any", ["{{ message }}", 7, "{{ message.x() }}"])),
            [
                (
                    f"contains-any {NO_TEMPLATE}: a call is not allowed in a template",
                    "use a filter, or compute the value in your code and pass it as a variable",
                )
            ],
        ),
        (golden(assertion("no-such-type")), []),  # told where the file is read
        (
            golden(
                AssertionSet(
                    assertions=(
                        assertion("regex", "("),
                        assertion("starts-with", "", transform="output.split()"),
                    ),
                    location=ELSEWHERE,
                )
            ),
            [
                (
                    "regex is not a valid regular expression: missing ) at position 1",
                    "",
                ),
                ("starts-with needs a text or a number as `value`", ""),
                JAVASCRIPT,
            ],
        ),
    ],
)
def test_what_is_wrong_whatever_the_assertion_judges(
    judged: GoldenSet, expected: list[tuple[str, str]]
) -> None:
    assert told(issues_as_written(judged)) == expected


@pytest.mark.parametrize(
    ("checked", "messages"),
    [
        (assertion("regex", "({{ message }}"), ["regex is not a valid regular expression: missing ) at position 2"]),
        (assertion("regex", "["), []),  # told as it is written
        (assertion("equals", "{{ other }}"), ["equals has a value that cannot be rendered: 'other' is not given; given: message"]),
        (assertion("contains-any", ["b", "{{ message }}"]), []),
        (assertion("contains-any", "file://{{ message }}.py"), []),
        (assertion("equals", "{{ message"), []),  # told as it is written
    ],
)  # fmt: skip
def test_what_is_wrong_once_variables_are_filled_in(
    checked: Assertion, messages: list[str]
) -> None:
    assert told(issues_when_rendered(golden(checked))) == [(message, "") for message in messages]


def test_only_texts_of_a_list_are_templates() -> None:
    judged = golden(assertion("tool-called", [{"tool": "{{ name }}"}, 7, None]))

    assert told(issues_when_rendered(judged)) == []
    assert told(issues_as_written(judged)) == [
        (
            "tool-called needs a tool's name, or a mapping with `tool` and `arguments`, as `value`",
            "",
        )
    ]


LACKS_JUDGE = f"needs the judge 'default' under `judges:` of {SUITE}"
OWN_PROMPT = "has a `rubricPrompt`, which is not read"


@pytest.mark.parametrize(
    ("checked", "judges", "expected"),
    [
        (assertion("llm-rubric", "x"), [], [(f"llm-rubric {LACKS_JUDGE}", "")]),
        (assertion("not-llm-rubric", "x"), [], [(f"not-llm-rubric {LACKS_JUDGE}", "")]),
        (assertion("context-faithfulness"), ["other"], [(f"context-faithfulness {LACKS_JUDGE}", "")]),
        (assertion("llm-rubric", "x"), ["default"], []),
        (assertion("llm-rubric", "x", judge="strict"), [], []),  # told where the suite is read
        (
            assertion("llm-rubric", "x", config={"rubricPrompt": "Is it?"}),
            ["default"],
            [(f"llm-rubric {OWN_PROMPT}", "give a judge a prompt: under judges:")],
        ),
        (assertion("equals", "x", config={"rubricPrompt": "Is it?"}), [], []),
    ],
)  # fmt: skip
def test_what_a_judge_decides_needs_one(
    checked: Assertion, judges: list[str], expected: list[tuple[str, str]]
) -> None:
    # what no judge decides is passed over, and what comes after it is looked at all the same
    judged = golden(assertion("equals", "x"), checked)

    assert told(issues_without_judges(judged, judges, SUITE)) == expected


def test_a_stack_lacks_nothing_for_a_type_that_needs_nothing() -> None:
    checked = assertion("no-such-type"), assertion("equals", "x"), assertion("similar", "x")

    assert told(issues_on_stack(golden(*checked), stack(), ["embedding"])) == []
    assert told(issues_on_stack(golden(*checked), stack(), [])) == [
        (
            "similar needs an embedding model: name one as `judges: {embedding: {model: …}}`",
            "",
        )
    ]


def test_faithfulness_needs_a_context() -> None:
    checked = assertion("context-faithfulness")

    assert told(issues_on_stack(golden(checked, vars={"context": "x"}), stack(), [])) == []
    assert told(issues_on_stack(golden(checked), stack(), [])) == [
        ("context-faithfulness needs the variable `context`, or a stack with a corpus", "")
    ]


@pytest.mark.parametrize(
    ("type_", "value", "code"),
    [
        ("contains", "file://values.py", True),
        ("contains", "file://values.py:words", True),
        ("contains", "see file://values.py", False),
        ("contains", "file://values.py:words:more", False),
        ("contains", "file://values.txt", False),
        ("contains", ["file://values.py"], False),
        ("python", "file://values.py", False),  # it is the program itself
    ],
)
def test_a_python_file_makes_the_value_of_an_assertion(type_: str, value: Any, code: bool) -> None:
    assert is_code(type_, value) is code


def test_a_value_that_code_makes_is_no_problem_yet() -> None:
    checked = assertion("is-json", "file://schema.py")

    assert value_problem(checked, checked.value) is None
    assert value_problem(assertion("is-json"), 7) == "needs a JSON Schema as `value`, or none"


@pytest.mark.parametrize(
    ("item", "fails", "passes"),
    [
        (assertion("rouge-n", "x", threshold=0), "its threshold is 0", None),
        (assertion("rouge-n", "x", threshold=1.5), None, "its threshold is over 1, and no score is"),
        (assertion("rouge-n", "x", threshold=1), None, None),
        (assertion("rouge-n", "x"), None, None),
        (assertion("python", " 1 "), "its expression is always true", None),
        (assertion("python", "1.0"), "its expression is always true", None),
        (assertion("python", "True"), "its expression is always true", None),
        (assertion("python", "0"), None, None),
        (assertion("regex", ".*"), "the pattern '.*' fits every text", None),
        (assertion("regex", "a*"), "the pattern 'a*' fits every text", None),
        (assertion("regex", "."), None, None),
        (assertion("regex", "("), None, None),
        (assertion("regex", 7), None, None),
        (assertion("no-such-type"), None, None),
    ],
)  # fmt: skip
def test_what_cannot_fail_and_what_cannot_pass(
    item: Assertion, fails: str | None, passes: str | None
) -> None:
    assert why_it_cannot_fail(item) == fails
    assert why_it_cannot_pass(item) == passes


@pytest.mark.parametrize(
    ("threshold", "why"),
    [(None, None), (0, "its threshold is 0"), (-1, "its threshold is 0"), (0.5, None), (1, None)],
)
def test_a_set_cannot_fail_at_a_threshold_of_nothing(
    threshold: float | None, why: str | None
) -> None:
    group = AssertionSet(assertions=(assertion("equals", "x"),), threshold=threshold, location=HERE)

    assert why_it_cannot_fail(group) == why


def test_every_case_of_a_golden_set_is_looked_at() -> None:
    cases: tuple[Case, ...] = (
        case("a", assertion("equals", "x")),
        case("b", assertion("equals")),
        case("c", assertion("equals", "{{ missing }}")),
    )
    judged = suite(*cases).golden

    assert len(told(issues_as_written(judged))) == 1
    assert len(told(issues_when_rendered(judged))) == 1
