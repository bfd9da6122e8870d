"""A number whose text an assertion compares is written as the text that is compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tetrad.errors import Issue, Location
from tetrad.golden import load_golden
from tetrad.loading.files import Tree
from tetrad.modules import Modules
from tetrad.trees import WorkingTree


def issues_of(text: str, name: str = "evals/a/golden.yaml", **files: str) -> list[Issue]:
    """What is read as something else; `files` are those beside it, with `_` for the dot."""

    def read(file: str, at: Location) -> bytes:
        return files[file.removeprefix("evals/a/").replace(".", "_")].encode()

    modules = Modules(Tree(WorkingTree(Path("/nonexistent"))))
    loaded = load_golden(name, text.encode(), read, lambda _: [], modules=modules)
    assert {issue.code for issue in loaded.issues} <= {"GLD997"}
    return list(loaded.issues)


def told(text: str, name: str = "evals/a/golden.yaml") -> list[tuple[str, int, int]]:
    """What is compared as something else, with its line and column."""
    return [
        (issue.message.partition(",")[0], issue.location.line, issue.location.column)
        for issue in issues_of(text, name)
        if issue.blocks == "judge"
    ]


def shown(text: str, name: str = "evals/a/golden.yaml", **files: str) -> list[tuple[str, str]]:
    """What prompts show as something else, with its place."""
    return [
        (issue.message, str(issue.location))
        for issue in issues_of(text, name, **files)
        if issue.blocks == "nothing"
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
        ("defaultTest: {vars: {v: 3.10}}\ntests: [{assert: [{type: contains, value: '{{ v }}'}]}]\n", (1, 25)),
        ("defaultTest: {assert: [{type: contains, value: '{{ v }}'}]}\ntests: [{vars: {v: 3.10}}]\n", (2, 20)),
        ("- vars: {v: {number: 3.10}}\n  assert: [{type: contains, value: '{{ v.number }}'}]\n", (1, 22)),
        ("- vars: {v: [1, 3.10]}\n  assert: [{type: contains-any, value: ['{{ v[1] }}']}]\n", (1, 17)),
        ("assertionTemplates: {v: {type: contains}}\ntests: [{assert: [{$ref: '#/assertionTemplates/v', value: 3.10}]}]\n", (2, 59)),
        ("scenarios:\n  - config: [{vars: {v: 3.10}}]\n    tests: [{assert: [{type: contains, value: '{{ v }}'}]}]\n", (2, 25)),
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
    in_vars = case.replace('"vars": {}', '"vars": {"v": 3.10}').replace("3.10}]", '"{{ v }}"}]')
    assert told(in_vars, "evals/a/golden.jsonl") == [("3.10 is read as 3.1", 1, 16)]


SHOWN = "3.10 is read as 3.1, and prompts show that"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- vars: {v: 3.10}\n", "1:13"),
        ("- vars: {v: [a, 3.10]}\n", "1:17"),
        ("- vars: {v: {a: [{b: 3.10}]}}\n", "1:22"),
        ("- vars: &v {v: 3.10}\n- vars: *v\n", "1:16"),
        ("- vars: {}\n  tools: [{tool: price, result: {eur: 3.10}}]\n", "2:39"),
        ("- vars: {}\n  tools: [{tool: price, result: 3.10}]\n", "2:33"),
        ("defaultTest: {vars: {v: 3.10}}\ntests: [{vars: {}}]\n", "1:25"),
        ("defaultTest: {options: {}}\ntests: [{vars: {v: 3.10}}]\n", "2:20"),
        ("scenarios:\n  - config: [{vars: {v: 3.10}}]\n    tests: [{vars: {}}]\n", "2:25"),
    ],
)
def test_a_number_that_prompts_show_otherwise_is_told_and_blocks_nothing(
    text: str, place: str
) -> None:
    assert shown(text) == [(SHOWN, f"evals/a/golden.yaml:{place}")]


def test_a_number_of_a_file_that_a_golden_set_names_is_told_there() -> None:
    values = "v: 3.10\n"
    place = [(SHOWN, "evals/a/v.yaml:1:4")]

    assert shown("- vars: file://v.yaml\n", v_yaml=values) == place
    assert shown("- vars: [v.yaml]\n- vars: v.yaml\n", v_yaml=values) == place
    assert shown("- vars: {of: 'file://v.yaml'}\n", v_yaml=values) == place
    assert shown("- vars: {of: ['file://v.yaml']}\n", v_yaml=values) == place
    assert shown("- vars: v.json\n", v_json='{"v": 3.10}') == [(SHOWN, "evals/a/v.json:1:7")]
    assert shown(
        "defaultTest: file://d.yaml\ntests: [{vars: {}}]\n", d_yaml="vars: {v: 3.10}\n"
    ) == [(SHOWN, "evals/a/d.yaml:1:11")]
    assert shown("tests: t.yaml\n", t_yaml="- vars: {v: 3.10}\n") == [
        (SHOWN, "evals/a/t.yaml:1:13")
    ]
    assert shown("- vars: {of: 'file://v.json'}\n", v_json='{"v": 3.10}') == []


@pytest.mark.parametrize("value", ["{type: contains-any, value: 'file://a.yaml'}", "{type: contains-all, value: [b, 'file://b.yaml']}"])  # fmt: skip
def test_a_number_of_a_file_that_an_assertion_compares_is_told_there(value: str) -> None:
    found = issues_of(f"- assert: [{value}]\n", a_yaml="- 3.10\n", b_yaml="3.10\n")

    assert [issue.message for issue in found] == ["3.10 is read as 3.1, and its text is compared"]
    assert found[0].location.file in {"evals/a/a.yaml", "evals/a/b.yaml"}


def test_what_is_shown_as_it_is_written_is_fine() -> None:
    assert shown("- vars: {a: 3.1, b: '3.10', c: 25, d: True, e: 12:30, f: [0.5], g: null}\n") == []
    assert shown("- metadata: {version: 3.10}\n  vars: {}\n") == []
    assert shown('{"vars": {"v": "costs 3.10", "w": 1.5}}\n', "evals/a/golden.jsonl") == []
    assert shown('{"vars": {"v": [3.10]}}\n', "evals/a/golden.jsonl") == [
        (SHOWN, "evals/a/golden.jsonl:1:17")
    ]
    assert shown("v,id\n3.10,a\n01067,b\n", "evals/a/golden.csv") == []
