"""A number whose text an assertion compares is written as the text that is compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tetrad.errors import Location
from tetrad.golden import load_golden
from tetrad.loading.files import Tree
from tetrad.modules import Modules
from tetrad.trees import WorkingTree


def told(text: str, name: str = "evals/a/golden.yaml") -> list[tuple[str, int, int]]:
    """What is read as something else, with its line and column."""

    def nothing_else(file: str, at: Location) -> bytes:
        raise AssertionError(f"{file} is read from {at}")

    modules = Modules(Tree(WorkingTree(Path("/nonexistent"))))
    loaded = load_golden(name, text.encode(), nothing_else, lambda _: [], modules=modules)
    assert all(issue.blocks == "judge" and issue.code == "GLD997" for issue in loaded.issues)
    return [
        (issue.message.partition(",")[0], issue.location.line, issue.location.column)
        for issue in loaded.issues
    ]


def of_value(written: str, type_: str = "contains") -> list[str]:
    found = told(f"- vars: {{}}\n  assert: [{{type: {type_}, value: {written}}}]\n")
    return [message for message, _, _ in found]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("3.10", "3.1"),
        ("1.0", "1"),
        ("01067", "1067"),
        ("12e7", "120000000"),
        ("1E3", "1000"),
        ("+49", "49"),
        ("0x1F", "31"),
        ("0o17", "15"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-0", "0"),
        ("0.10000000000000000555", "0.1"),
        ("0.00000001", "1e-8"),
    ],
)
def test_a_number_that_loses_its_text_is_told(written: str, read_as: str) -> None:
    assert of_value(written) == [f"{written} is read as {read_as}"]
    assert of_value(f"[a, {written}]", "not-contains-all") == [f"{written} is read as {read_as}"]


@pytest.mark.parametrize(
    "written",
    ["25", "-3", "0", "3.1", "0.5", "1e-7", "9007199254740991", '"3.10"', "'01067'", "1_000", "12:30", "2024-01-31"],
)  # fmt: skip
@pytest.mark.parametrize("type_", ["contains", "equals"])
def test_what_keeps_its_text_is_fine(written: str, type_: str) -> None:
    assert of_value(written, type_) == []


@pytest.mark.parametrize(
    "type_", ["equals", "not-equals", "starts-with", "icontains", "levenshtein"]
)
def test_every_type_that_compares_texts_is_looked_at(type_: str) -> None:
    assert of_value("1.50", type_) == ["1.50 is read as 1.5"]


def test_a_boolean_has_one_text() -> None:
    assert of_value("True", "equals") == ["True is read as true"]
    assert of_value("true", "equals") == []


def test_values_of_json_are_numbers() -> None:
    assert of_value("{price: 3.10}", "equals") == []
    assert of_value("[3.10]", "equals") == []
    assert of_value("{minimum: 1.0}", "is-json") == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- assert:\n    - type: contains\n      value: 3.10\n", (3, 14)),
        ("- assert: [{type: assert-set, assert: [{type: contains, value: 3.10}]}]\n", (1, 64)),
        ("tests:\n  - assert: [{type: contains, value: 3.10}]\n", (2, 38)),
        ("defaultTest: {assert: [{type: contains, value: 3.10}]}\ntests: [{vars: {a: b}}]\n", (1, 48)),
        ("assertionTemplates: {v: {type: contains, value: 3.10}}\ntests: [{assert: [{$ref: '#/assertionTemplates/v'}]}]\n", (1, 49)),
        ("scenarios:\n  - config: [{vars: {a: b}}]\n    tests: [{assert: [{type: contains, value: 3.10}]}]\n", (3, 47)),
        ("- vars: {v: 3.10}\n  assert: [{type: contains, value: 'Python {{ v }}'}]\n", (1, 13)),
    ],
)  # fmt: skip
def test_it_is_told_where_it_is_written(text: str, place: tuple[int, int]) -> None:
    assert told(text) == [("3.10 is read as 3.1", *place)]


def test_json_and_its_lines_have_such_numbers_too() -> None:
    case = '{"vars": {}, "assert": [{"type": "contains", "value": 3.10}]}'

    assert told(f"[\n {case}\n]", "evals/a/golden.json") == [("3.10 is read as 3.1", 2, 56)]
    assert told(f"{json.dumps({'vars': {'a': 1.5}})}\n{case}\n", "evals/a/golden.jsonl") == [
        ("3.10 is read as 3.1", 2, 55)
    ]
    assert told(case.replace("3.10", "3.1"), "evals/a/golden.jsonl") == []
