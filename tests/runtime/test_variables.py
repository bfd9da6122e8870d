from __future__ import annotations

import pytest
from runtime.factory import prompt, variable

from tetrad.canonical import Json
from tetrad.errors import BadRequest
from tetrad.model.variables import text_of
from tetrad.runtime.request_variables import Variables

TYPES: list[tuple[str, Json, str | None]] = [
    ("string", "a", None),
    ("string", 1, "v: must be a text, not a whole number"),
    ("number", 0.5, None),
    ("number", 1, None),
    ("number", True, "v: must be a number, not true"),
    ("integer", 1, None),
    ("integer", 1.5, "v: must be a whole number, not a number with a fraction"),
    ("integer", "1", "v: must be a whole number, not a text"),
    ("boolean", False, None),
    ("boolean", 0, "v: must be true or false, not a whole number"),
    ("array", ["a"], None),
    ("array", "a", "v: must be a list, not a text"),
    ("object", {"a": 1}, None),
    ("object", ["a"], "v: must be a mapping, not a list"),
]


@pytest.mark.parametrize(("kind", "value", "problem"), TYPES)
def test_a_value_is_of_its_variables_type(kind: str, value: Json, problem: str | None) -> None:
    variables = Variables(prompt(variables=[variable("v", type=kind)]))

    if problem is None:
        assert variables.values({"v": value}) == {"v": value}
    else:
        with pytest.raises(BadRequest) as caught:
            variables.values({"v": value})
        assert str(caught.value) == f"the request does not fit prompts/sort\n  {problem}"


def test_all_problems_are_told_at_once() -> None:
    declared = [variable("a"), variable("b", max_chars=3), variable("c", type="integer")]

    with pytest.raises(BadRequest) as caught:
        Variables(prompt(variables=declared)).values({"b": "long", "c": "x"})

    assert str(caught.value).splitlines()[1:] == [
        "  a: is required and not given",
        "  b: must have at most 3 characters, not 4",
        "  c: must be a whole number, not a text",
    ]


def test_a_listed_text_is_taken_and_no_other() -> None:
    variables = Variables(prompt(variables=[variable("v", enum=("low", "high", "none"))]))

    assert variables.values({"v": "high"}) == {"v": "high"}
    with pytest.raises(BadRequest, match="v: must be 'low', 'high' or 'none'"):
        variables.values({"v": "High"})


def test_max_chars_counts_a_structure_as_its_json() -> None:
    variables = Variables(prompt(variables=[variable("v", type="array", max_chars=7)]))

    assert variables.values({"v": ["abc"]}) == {"v": ["abc"]}
    with pytest.raises(BadRequest, match="at most 7 characters, not 8"):
        variables.values({"v": ["abcd"]})


def test_an_optional_variable_has_its_default() -> None:
    declared = [variable("a", required=False, default="none"), variable("b", required=False)]

    assert Variables(prompt(variables=declared)).values({}) == {"a": "none", "b": None}


def test_names_that_the_prompt_does_not_declare_are_left_out() -> None:
    variables = Variables(prompt())
    given: dict[str, Json] = {"message": "a", "expected": "b"}

    assert variables.values(given) == {"message": "a"}
    assert variables.unknown(given) == ("expected",)


def test_a_misspelt_name_is_pointed_out() -> None:
    with pytest.raises(BadRequest, match="'mesage' is given, which the prompt does not declare"):
        Variables(prompt()).values({"mesage": "a"})


def test_what_the_stack_fills_in_may_not_be_given() -> None:
    with pytest.raises(BadRequest, match="passages: is filled by the stack itself"):
        Variables(prompt(), filled=["passages"]).values({"message": "a", "passages": []})


def test_a_value_nested_too_deeply_is_refused() -> None:
    value: Json = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(BadRequest, match="nested too deeply"):
        Variables(prompt(variables=[variable("v", type="array")])).values({"v": value})


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(BadRequest, match="half a surrogate pair"):
        Variables(prompt()).values({"message": "\ud83d"})


def test_a_value_is_one_text_however_it_is_written() -> None:
    """What is retrieved with, and compared with examples, depends on nothing that no digest sees."""
    assert (
        text_of({"b": 1.0, "a": ("ü",)}) == text_of({"a": ["ü"], "b": 1}) == '{"a": ["ü"], "b": 1}'
    )
