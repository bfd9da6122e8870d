"""What is wrong with an assertion as it is written."""

from __future__ import annotations

from typing import Any

import pytest

from tetrad.assertions.checks import value_problem
from tetrad.assertions.expressions import is_transform
from tetrad.assertions.forms import is_templated
from tetrad.errors import Location
from tetrad.model import Assertion


def assertion(type_: str, value: Any = None) -> Assertion:
    return Assertion(type=type_, value=value, location=Location("evals/a/golden.yaml", 3, 5))


@pytest.mark.parametrize(
    ("checked", "message"),
    [
        (assertion("equals"), "needs a `value`"),
        (assertion("contains"), "needs a text or a number as `value`"),
        (assertion("icontains", ""), "needs a text or a number as `value`"),
        (assertion("contains", True), "needs a text or a number as `value`"),
        (assertion("contains", ["a"]), "needs a text or a number as `value`"),
        (assertion("contains-all", []), "needs a list of texts as `value`"),
        (assertion("contains-any", {}), "needs a list of texts as `value`"),
        (assertion("contains-any", ', , ""'), "needs a list of texts as `value`"),
        (
            assertion("contains-any", ["a", ""]),
            "takes no empty text in its list: every answer contains it",
        ),
        (assertion("contains-any", [["a"]]), "takes texts and numbers in its list"),
        (assertion("starts-with", None), "needs a text or a number as `value`"),
        (
            assertion("regex", "(unclosed"),
            "is not a valid regular expression: missing ) at position 9",
        ),
        (
            assertion("regex", "(" * 3000 + ")" * 3000),
            "is a regular expression that is nested too deeply",
        ),
        (
            assertion("regex", "(?:in|out){300000}"),  # the library ends the process on it
            "is a regular expression whose counts unfold to more than 20,000 parts",
        ),
        (
            assertion("regex", r"((?x)(\w{200}) {200})(?# here) {200}"),
            "is a regular expression whose counts unfold to more than 20,000 parts",
        ),
        (assertion("is-json", 4), "needs a JSON Schema as `value`, or none"),
        (
            assertion("bleu", [""]),
            "needs a text, or a list of texts, as `value`",
        ),
        (assertion("latency"), "needs a `threshold`"),
        (assertion("cost"), "needs a `threshold`"),
        (
            assertion("tool-called", {"tool": 7}),
            "needs a tool's name, or a mapping with `tool` and `arguments`, as `value`",
        ),
        (
            assertion("tool-called", ["a", ""]),
            "needs a tool's name, or a mapping with `tool` and `arguments`, as `value`",
        ),
        (assertion("tool-called", []), "needs the name of a tool as `value`"),
        (
            assertion("tool-called", {"arguments": {}}),
            "needs a tool's name, or a mapping with `tool` and `arguments`, as `value`",
        ),
        (
            assertion("tool-called", {"tool": "a", "arguments": [1]}),
            "needs a mapping as `arguments`",
        ),
        (
            assertion("python", ""),
            "needs an expression, a function's body or `file://….py` as `value`",
        ),
        (assertion("llm-rubric", ""), "needs a rubric as `value`"),
    ],
    ids=lambda value: value.type if isinstance(value, Assertion) else "",
)
def test_an_assertion_that_cannot_be_evaluated_says_what_it_needs(
    checked: Assertion, message: str
) -> None:
    assert value_problem(checked, checked.value) == message


@pytest.mark.parametrize(
    "pattern", [r"\d{4}-\d{2}-\d{2}" * 200, "(?:in|out){0,300000}", r"\w{20000}", "[({]{2}", "a{b}"]
)
def test_counts_that_people_write_are_taken(pattern: str) -> None:
    assert value_problem(assertion("regex", pattern), pattern) is None


@pytest.mark.parametrize(
    ("pattern", "is_taken"),
    [
        ("a{20000}", True),
        ("a{20001}", False),
        ("a{9999}b{10001}", True),
        ("a{9999}b{10002}", False),
        ("(ab){10000}", True),
        ("(ab){10001}", False),
        ("x(ab){10000}", False),
        ("(a){20000}", True),
        ("(x(ab)){6666}", True),
        ("(x(ab)){6667}", False),
        ("((a{10}){99}b){20}", True),
        ("((a{10}){100}b){20}", False),
        ("(?:ab){2} {6000}", False),
        ("(){20001}", False),
        ("(a{20000}(b", False),  # although it is never closed: it is not compiled to find that out
    ],
)
def test_counts_are_taken_up_to_as_many_parts_as_can_be_compiled(
    pattern: str, is_taken: bool
) -> None:
    problem = value_problem(assertion("regex", pattern), pattern)

    assert (problem is None) == is_taken
    assert is_taken or "unfold" in (problem or "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", False),
        ("{{ a }}", True),
        (["a", "b"], False),
        (["a", "{{ b }}"], True),
        ([7, ["{{ a }}"]], False),
        (7, False),
    ],
)
def test_a_value_is_templated_where_a_text_of_it_has_variables(value: Any, expected: bool) -> None:
    assert is_templated(value) is expected


def test_a_group_that_was_never_opened_is_no_regular_expression() -> None:
    assert "is not a valid regular expression" in (
        value_problem(assertion("regex", "a)"), "a)") or ""
    )


LONG = "o" * 300
PASSWORDS = "file:///etc/passwd"
REFUSED = f"ValueError: a schema may not refer to {PASSWORDS}"


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (
            {"type": "objct"},
            """"objct" is not valid under any of the schemas listed in the 'anyOf' keyword""",
        ),
        (
            {"$ref": PASSWORDS},
            f"Resource {PASSWORDS!r} is not present in a registry and retrieving it failed: {REFUSED}",
        ),
        ("{", "a value was expected here"),
        ("type: [object", "the list in brackets is not closed"),
        ("any object", "Invalid string: expected value at line 1 column 1"),
        ({"type": LONG}, f'"{LONG[:198]}…'),
        ("type: &" + LONG, f"the anchor &{LONG[:187]}…"),
    ],
)
def test_a_schema_is_one_and_reads_no_file(schema: Any, why: str) -> None:
    message = value_problem(assertion("contains-json", schema), schema)

    assert message == f"has no valid JSON Schema as `value`: {why}"


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("equals", {"a": 1}),
        ("contains", 4),
        ("contains-all", "a, b"),
        ("regex", 4),
        ("is-json", None),
        ("is-json", ""),
        ("similar", ["a", "b"]),
        ("tool-called", [{"tool": "a", "arguments": {"b": 1}}, "c"]),
        ("python", "len(output) > 3"),
        ("context-faithfulness", None),
    ],
)
def test_a_value_of_the_right_form_is_no_problem(type_: str, value: Any) -> None:
    assert value_problem(assertion(type_, value), value) is None


@pytest.mark.parametrize(
    "transform", ["output.trim()", "JSON.parse(output)?.a[1]", "file://t.py:f"]
)
def test_plain_forms_and_python_are_transforms(transform: str) -> None:
    assert is_transform(transform)


@pytest.mark.parametrize(
    "transform",
    [
        "output.slice(0, 5)",
        "output.split(' ')[0]",
        "JSON.parse(output).a + 1",
        "context.vars.x",
        "output.trim().constructor('x')()",
        "outputs",
        "",
        "file://transform.js",
        "file://../a.py:b:c",
    ],
)
def test_other_javascript_is_no_transform(transform: str) -> None:
    assert not is_transform(transform)
