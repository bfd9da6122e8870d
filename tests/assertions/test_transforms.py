from __future__ import annotations

import asyncio
from typing import Any

import pytest
from assertions.test_assertions import Services
from evals.cases import assertion, case

from tetrad.assertions.answered import Answered, PythonRaised
from tetrad.assertions.expressions import expression_of
from tetrad.assertions.transforms import Untransformable, transformed
from tetrad.evals.grading import grade


@pytest.fixture(autouse=True)
def _read_anew() -> None:
    """What an earlier test read of a transform would hide that it is now read otherwise."""
    expression_of.cache_clear()


def made(transform: str, text: str, services: Services | None = None) -> str:
    answered = Answered(text=text, vars={})
    return asyncio.run(transformed(answered, transform, services or Services())).text


@pytest.mark.parametrize(
    ("transform", "text", "expected"),
    [
        ("output.trim()", "  Yes \n", "Yes"),
        ("output.toLowerCase().trim()", " YES", "yes"),
        ("output.trimStart();", " a ", "a "),
        ("JSON.parse(output).queue", '{"queue": "billing"}', "billing"),
        ("JSON.parse(output)", '{"a": [1, "ü"], "b": {"c": null}}', '{"a":[1,"ü"],"b":{"c":null}}'),
        ("JSON.parse(output).price", '{"price": 10.0}', "10"),
        ("JSON.parse(output).price", '{"price": 1e2}', "100"),
        ("JSON.parse(output).price", '{"price": -0.0}', "0"),
        ("JSON.parse(output).price", '{"price": 0.1}', "0.1"),
        ("JSON.parse(output).price", '{"price": 1e21}', "1e+21"),
        ("JSON.parse(output).price", '{"price": 1.50e-7}', "1.5e-7"),
        ("JSON.parse(output).price", '{"price": 12345678901234567890}', "12345678901234567890"),
        (
            "JSON.parse(output)",
            '{"a": [2.0, {"b": 1e2}], "c": true}',
            '{"a":[2,{"b":100}],"c":true}',
        ),
        ("JSON.parse(output).price.toString()", '{"price": 10.0}', "10"),
        ("JSON.parse(output).ok", '{"ok": true}', "true"),
        ("JSON.parse(output).items.length", '{"items": [1, 2]}', "2"),
        ("JSON.parse(output).name.length", '{"name": "abc"}', "3"),
        ("output.length", "abcd", "4"),
        ("output.text.trim()", '{"text": " x "}', "x"),
        ("output['a key'].length", '{"a key": [1, 2]}', "2"),
        ('JSON.parse(output)["a key"][1].name', '{"a key": [0, {"name": "x"}]}', "x"),
        ("JSON.parse( output )?.items[0]?.id", '{"items": [{"id": 7}]}', "7"),
        ("output[0]", "abc", "a"),
        ("JSON.parse(output).a", '{"a": "half \\ud83d"}', "half \ufffd"),
    ],
)
def test_the_plain_forms_of_a_transform_need_no_javascript(
    transform: str, text: str, expected: str
) -> None:
    assert made(transform, text) == expected


@pytest.mark.parametrize(
    ("transform", "text", "words"),
    [
        ("JSON.parse(output).a", "no JSON", "the answer is not JSON"),
        ("output.a", "no JSON", "the answer is not JSON"),
        ("JSON.parse(output).a", '{"b": 1}', "there is no 'a' in {\"b\": 1}"),
        ("JSON.parse(output)[3]", "[1]", r"there is no 3 in \[1\]"),
        ("JSON.parse(output)[1]", "[1]", r"there is no 1 in \[1\]"),
        ("JSON.parse(output).a", '{"ü": 1}', "there is no 'a' in {\"ü\": 1}"),
        ("JSON.parse(output).a", f'["{"x" * 99}"]', r"there is no 'a' in \[\"x{77}…"),
        ("JSON.parse(output).a.trim()", '{"a": 1}', r"trim\(\) takes a string, and this is 1"),
        ("JSON.parse(output).a.toString()", '{"a": [1]}', r"toString\(\) takes a string"),
        ("JSON.parse(output).a", '{"a": null}', r"it made nothing \(null\)"),
        (
            "JSON.parse(output)",
            "[" * 900 + "]" * 900,
            "what it made is nested too deeply|the answer is not JSON",
        ),
        ("output.color", "purple", "the answer is not JSON"),
    ],
)
def test_an_answer_that_a_transform_cannot_take_says_why(
    transform: str, text: str, words: str
) -> None:
    with pytest.raises(Untransformable, match=rf"\A({words})"):
        made(transform, text)


def test_a_file_transforms_by_its_function() -> None:
    assert made("file://transform.py:first", "text", Services(said={"a": 1})) == '{"a":1}'


def test_a_transform_takes_the_value_that_the_one_before_it_made() -> None:
    checks = (
        assertion("is-json"),
        assertion("equals", "purple", transform="output.color"),
        assertion("contains-any", ["Peru", "India"], transform="output.countries"),
        assertion("equals", 2, transform="output.countries.length"),
        assertion("equals", "INDIA", transform="output.countries[1].toUpperCase()"),
        assertion("equals", "purple", transform="JSON.parse(output).color"),
    )
    answered = Answered(text='{"color": "purple", "countries": ["Brazil", "India"]}', vars={})
    checked = case("a", *checks, transform="JSON.parse(output)")

    graded = asyncio.run(grade(checked, answered, metric="answer", services=Services()))

    assert [(a.passed, a.reason) for a in graded.assertions if not a.passed] == []


def test_code_is_given_the_value_that_a_transform_made() -> None:
    given: list[object] = []
    before: list[object] = []

    class Code(Services):
        async def run_python(self, code: str, function: str, *arguments: Any) -> Any:
            given.append(arguments[0])
            before.append(arguments[1]["providerResponse"]["output"])
            return True

    checks = (
        assertion("python", "output['n'] > 1"),
        assertion("python", "x", transform="output.n"),
        assertion("python", "x", transform="output.s.trim()"),
    )
    checked = case("a", *checks, transform="JSON.parse(output)")
    answered = Answered(text='{"n": 2, "s": " b "}', vars={})

    graded = asyncio.run(grade(checked, answered, metric="answer", services=Code()))

    assert graded.passed
    assert given == [{"n": 2, "s": " b "}, 2, "b"]
    assert before == [answered.text] * 3


@pytest.mark.parametrize("said", [Services(), Services(said=PythonRaised("KeyError: 'a'"))])
@pytest.mark.parametrize("type_", ["equals", "not-equals"])
def test_what_cannot_be_transformed_fails_its_assertion_negated_or_not(
    type_: str, said: Any
) -> None:
    transform = "file://t.py" if said.said else "JSON.parse(output).a"
    checked = case("a", assertion(type_, "x", transform=transform), assertion("equals", "text"))
    answered = Answered(text="text", vars={})

    graded = asyncio.run(grade(checked, answered, metric="answer", services=said))

    assert [a.passed for a in graded.assertions] == [False, True]
    assert graded.assertions[0].reason.startswith("the transform failed: ")


@pytest.mark.parametrize("of_case", [True, False], ids=["the case's", "its own"])
@pytest.mark.parametrize(
    ("type_", "value", "reason"),
    [
        ("equals", "boots", 'does not equal "boots", got "shoes"'),
        ("not-contains", "shoe", 'contains "shoe", got "shoes"'),
        ("python", "output == 'boots'", 'the code returned False on "shoes"'),
    ],
)
def test_a_reason_says_what_the_transform_made_of_the_answer(
    type_: str, value: str, reason: str, of_case: bool
) -> None:
    transform = "JSON.parse(output).category"
    check = assertion(type_, value, transform=None if of_case else transform)
    checked = case("a", check, transform=transform if of_case else None)
    answered = Answered(text='{"category": "shoes"}', vars={})

    graded = asyncio.run(grade(checked, answered, metric="answer", services=Services(said=False)))

    assert graded.assertions[0].reason == reason


def test_a_cases_transform_is_for_all_its_assertions() -> None:
    checks = (assertion("equals", "yes"), assertion("not-contains", "no"))
    answered = Answered(text=" YES ", vars={})
    plain = case("a", *checks, transform="output.trim().toLowerCase()")
    failing = case("a", *checks, transform="JSON.parse(output)")

    good = asyncio.run(grade(plain, answered, metric="answer", services=Services()))
    bad = asyncio.run(grade(failing, answered, metric="answer", services=Services()))

    assert (good.passed, good.metrics) == (True, {"answer": 1.0})
    assert (bad.passed, bad.metrics) == (False, {"answer": 0.0})
