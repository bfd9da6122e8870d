"""Golden sets of every format, and promptfoo's files unchanged."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tetrad.assertions.table import TYPES
from tetrad.errors import Location
from tetrad.golden import load_golden
from tetrad.golden.digest import case_content
from tetrad.loading.files import Tree
from tetrad.loading.repositories import load_repository
from tetrad.model import Assertion, Case, GoldenSet, Turn
from tetrad.modules import Modules
from tetrad.promptfoo.csv_rows import assertion_from_text
from tetrad.promptfoo.unsupported import NOT_YET
from tetrad.trees import WorkingTree

NO_MODULES = Modules(Tree(WorkingTree(Path("/nonexistent"))))
VALID = Path(__file__).parent.parent / "loading" / "valid"


def nothing_else(file: str, at: Location) -> bytes:
    raise AssertionError(f"{file} is read from {at}")


def no_files(pattern: str) -> list[str]:
    raise AssertionError(f"{pattern} is looked for")


def golden(path: str, text: str) -> GoldenSet:
    loaded = load_golden(path, text.encode(), nothing_else, no_files, modules=NO_MODULES)
    assert loaded.issues == ()
    return loaded.golden


@pytest.fixture(scope="module")
def capitals() -> tuple[Case, ...]:
    return load_repository(VALID / "promptfoo").suites["evals/capital"].golden.cases


def types(case: Case) -> list[str]:
    return [item.written for item in case.assertions if isinstance(item, Assertion)]


def test_the_default_test_lies_under_every_test(capitals: tuple[Case, ...]) -> None:
    first = capitals[0]

    assert first.vars == {"language": "English", "country": "France"}
    assert types(first) == ["latency", "regex", "contains"]
    assert first.transform == "output.trim()"
    assert str(first.assertions[0].location) == "evals/capital/promptfooconfig.yaml:8:7"


def test_the_default_assertions_can_be_left_out(capitals: tuple[Case, ...]) -> None:
    assert types(capitals[1]) == ["regex", "contains"]


def test_a_template_is_filled_in_with_the_keys_beside_it(capitals: tuple[Case, ...]) -> None:
    regex = capitals[0].assertions[1]

    assert isinstance(regex, Assertion)
    assert (regex.value, regex.weight) == ("^[A-Z]", 0.5)


def test_a_list_of_texts_stands_for_a_case_each(capitals: tuple[Case, ...]) -> None:
    assert [case.vars["language"] for case in capitals[1:3]] == ["French", "German"]
    assert [case.vars["country"] for case in capitals[3:5]] == ["Spain", "Italy"]


def test_a_list_for_a_variable_that_takes_lists_is_one_value(capitals: tuple[Case, ...]) -> None:
    assert capitals[1].vars["hints"] == ["river", "tower"]


def test_ids_are_made_of_descriptions_and_vars(capitals: tuple[Case, ...]) -> None:
    assert [case.id for case in capitals[:3]] == [
        "capital-of-france",
        "capital-of-france-2",
        "capital-of-france-3",
    ]
    assert len(capitals) == len({case.id for case in capitals})


def test_a_derived_id_is_never_that_of_the_suites_own_result() -> None:
    cases = golden("g.yaml", "- {description: Gate}\n- {description: gate!}\n").cases

    assert [case.id for case in cases] == ["gate-2", "gate-3"]


def test_a_var_can_be_the_text_of_a_file(capitals: tuple[Case, ...]) -> None:
    assert (
        capitals[5].vars["country"],
        capitals[5].vars["language"],
    ) == ("Portugal", '{"name":"Portuguese"}')


def test_tests_come_from_a_file_of_rows(capitals: tuple[Case, ...]) -> None:
    japan, peru, chad, cuba = capitals[6:]

    assert types(japan) == ["latency", "contains", "similar"]
    assert (
        japan.threshold,
        japan.metadata,
    ) == (0.5, {"continent": "Asia", "tags": ["island", "far"]})
    assert types(peru) == ["latency", "equals"]
    assert types(chad) == ["latency", "icontains-any", "not-contains"]
    assert types(cuba) == ["latency", "llm-rubric", "is-json"]


@pytest.mark.parametrize(
    ("cell", "assertion"),
    [
        ("Paris", {"type": "equals", "value": "Paris"}),
        ("equals: Paris", {"type": "equals", "value": "Paris"}),
        ("contains:Paris", {"type": "contains", "value": "Paris"}),
        ("not-contains: Rome", {"type": "not-contains", "value": "Rome"}),
        ("contains-all: a, b", {"type": "contains-all", "value": ["a", "b"]}),
        ('icontains-any: "a, b", c', {"type": "icontains-any", "value": ["a, b", "c"]}),
        ("is-json", {"type": "is-json"}),
        ('is-json: {"type": "object"}', {"type": "is-json", "value": '{"type": "object"}'}),
        ("similar: a b", {"type": "similar", "value": "a b", "threshold": 0.8}),
        ("similar(0.6): a b", {"type": "similar", "value": "a b", "threshold": 0.6}),
        ("levenshtein(5): a", {"type": "levenshtein", "value": "a", "threshold": 5.0}),
        ("latency(1000)", {"type": "latency", "threshold": 1000.0}),
        ("cost(0.001)", {"type": "cost", "threshold": 0.001}),
        ("rouge-n: a", {"type": "rouge-n", "value": "a", "threshold": 0.75}),
        ("grade: is kind", {"type": "llm-rubric", "value": "is kind"}),
        ("llm-rubric: is kind", {"type": "llm-rubric", "value": "is kind"}),
        ("python: len(output) > 1", {"type": "python", "value": "len(output) > 1"}),
        ("file://check.py", {"type": "python", "value": "file://check.py"}),
        ("fn: output.length", {"type": "javascript", "value": "output.length"}),
        ("factuality: x", {"type": "factuality", "value": "x"}),
        ("Note: this is a string", {"type": "equals", "value": "Note: this is a string"}),
        ("regex: a\nb", {"type": "regex", "value": "a\nb"}),
    ],
)
def test_a_cell_means_what_promptfoo_takes_it_for(cell: str, assertion: dict[str, Any]) -> None:
    assert assertion == assertion_from_text(cell)


def test_a_row_keeps_its_line_across_cells_of_several_lines() -> None:
    text = 'id,q,__expected\na,"one\ntwo",x\nb,three,y\n'

    assert [case.location.line for case in golden("g.csv", text).cases] == [2, 4]


def test_a_column_sets_the_threshold_of_one_assertion() -> None:
    text = (
        "q,__expected1,__expected2,__config:__expected2:threshold\na,contains: b,similar: c,0.9\n"
    )

    (case,) = golden("g.csv", text).cases

    assert [item.threshold for item in case.assertions] == [None, 0.9]


def test_no_type_is_both_there_and_not_there() -> None:
    assert set() == set(TYPES) & set(NOT_YET)


CASE = {"id": "a", "vars": {"q": "x"}, "assert": [{"type": "equals", "value": {"n": 1.0}}]}


def digest(case: dict[str, Any]) -> str:
    return str(golden("g.jsonl", json.dumps(case)).digest)


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Anything."},
        {"metadata": {"a": 1}},
        {"tags": []},
        {"repeats": 1},
        {"assert": [{"value": {"n": 1}, "type": "equals", "weight": 1}]},
    ],
)
def test_what_a_case_neither_asks_nor_asserts_leaves_the_digest(change: dict[str, Any]) -> None:
    assert digest(CASE) == digest({**CASE, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"id": "b"},
        {"vars": {"q": "y"}},
        {"vars": {"q": "x", "r": None}},
        {"assert": []},
        {"assert": [{"type": "not-equals", "value": 1}]},
        {"assert": [{"type": "equals", "value": "1"}]},
        {"assert": [{"type": "equals", "value": 1, "weight": 2}]},
        {"assert": [{"type": "equals", "value": 1, "threshold": 0}]},
        {"assert": [{"type": "equals", "value": 1, "metric": "m"}]},
        {"assert": [{"type": "equals", "value": 1, "judge": "j"}]},
        {"assert": [{"type": "equals", "value": 1, "config": {"a": 1}}]},
        {"assert": [{"type": "equals", "value": 1, "rubricPrompt": "p"}]},
        {"assert": [{"type": "assert-set", "assert": [{"type": "equals", "value": 1}]}]},
        {"threshold": 0.5},
        {"tags": ["t"]},
        {"group": "g"},
        {"repeats": 2},
        {"tools": [{"tool": "t", "result": None}]},
        {"variants": {"q": ["y"]}},
        {"options": {"transform": "output.trim()"}},
    ],
)
def test_what_a_case_asks_or_asserts_moves_the_digest(change: dict[str, Any]) -> None:
    assert digest(CASE) != digest({**CASE, **change})


# Locks, reports and later evidence hold digests of golden sets: these bytes never change.
PUBLISHED = (
    '[{"assert":[{"type":"not-contains","value":"Lyon"},'
    '{"config":{"strict":true},"judge":"default","metric":"tone","threshold":0.5,'
    '"transform":"output.trim()","type":"llm-rubric","value":"Polite.","weight":2},'
    '{"assert":[{"type":"equals","value":"Paris"}],"metric":"answer","threshold":1,'
    '"type":"assert-set","weight":0.5}],'
    '"group":"france","id":"capital","repeats":3,"tags":["core","safety"],"threshold":0.8,'
    '"tools":[{"arguments":{"of":"France"},"error":null,"result":{"city":"Paris"},"tool":"look_up"},'
    '{"arguments":null,"error":"closed","result":null,"tool":"look_up"}],'
    '"transform":"output.trim()","variants":{"country":["Gaul"]},"vars":{"country":"France"}},'
    '{"id":"bare","vars":{"country":"Chad"}}]'
)


def test_the_digest_is_the_sha256_of_the_published_bytes() -> None:
    full = {
        "id": "capital",
        "description": "For people.",
        "vars": {"country": "France"},
        "assert": [
            {"type": "not-contains", "value": "Lyon", "weight": 1},
            {
                "type": "llm-rubric",
                "value": "Polite.",
                "threshold": 0.5,
                "weight": 2,
                "metric": "tone",
                "judge": "default",
                "transform": "output.trim()",
                "config": {"strict": True},
            },
            {
                "type": "assert-set",
                "threshold": 1.0,
                "weight": 0.5,
                "metric": "answer",
                "assert": [{"type": "equals", "value": "Paris"}],
            },
        ],
        "threshold": 0.8,
        "tags": ["safety", "core"],
        "group": "france",
        "repeats": 3,
        "tools": [
            {"tool": "look_up", "arguments": {"of": "France"}, "result": {"city": "Paris"}},
            {"tool": "look_up", "error": "closed"},
        ],
        "options": {"transform": "output.trim()"},
        "variants": {"country": ["Gaul"]},
    }
    bare = {"id": "bare", "vars": {"country": "Chad"}, "repeats": 1}

    found = golden("g.jsonl", f"{json.dumps(full)}\n{json.dumps(bare)}\n").digest

    assert found.hex == hashlib.sha256(PUBLISHED.encode()).hexdigest()


def test_the_format_of_the_file_leaves_the_digest() -> None:
    lines = golden("g.jsonl", '{"id": "a", "vars": {"q": "x"}, "assert": [{"type": "is-json"}]}\n')
    rows = golden("g.csv", "id,q,__expected\na,x,is-json\n")
    yaml = golden("g.yaml", "# cases\n- {assert: [{type: is-json}], vars: {q: x}, id: a}\n")

    assert lines.digest == rows.digest == yaml.digest


def test_a_golden_set_of_nothing_is_one() -> None:
    assert golden("g.yaml", "[]\n").cases == ()
    assert golden("g.jsonl", "").cases == ()
    assert golden("g.csv", "").cases == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("g.csv", 'q,__expected\n"two\nlines",yes\n'),
        (
            "g.yaml",
            "- vars:\n    q: |\n      two\n      lines\n  assert: [{type: equals, value: yes}]\n",
        ),
        ("g.jsonl", '{"vars": {"q": "x"}}\n{"vars": {"q": "y"}}\n'),
    ],
)
def test_line_ends_of_a_checkout_are_no_part_of_a_case(name: str, text: str) -> None:
    assert golden(name, text.replace("\n", "\r\n")) == golden(name, text)


def test_combinations_are_bounded() -> None:
    lists = {f"v{n}": ["a", "b", "c", "d"] for n in range(8)}

    loaded = load_golden(
        "g.jsonl", json.dumps({"vars": lists}).encode(), nothing_else, no_files, modules=NO_MODULES
    )

    assert [issue.message for issue in loaded.issues] == [
        "the lists in vars stand for 65,536 cases; at most 10,000 are made"
    ]


FILES = {
    "evals/a/expected.txt": b"  Paris \n",
    "evals/a/shape.json": b'{"type": "object"}',
    "evals/a/check.py": b"def get_assert(output, context):\n    return True\n",
    "evals/a/trim.py": b"def get_transform(output, context):\n    return output.strip()\n",
}


def with_files(files: dict[str, bytes]) -> GoldenSet:
    text = """
- vars: {q: x}
  options: {transform: "file://trim.py"}
  assert:
    - {type: contains, value: "file://expected.txt"}
    - {type: is-json, value: "file://shape.json"}
    - {type: python, value: "file://./check.py:get_assert"}
"""
    loaded = load_golden(
        "evals/a/g.yaml", text.encode(), lambda file, at: files[file], no_files, modules=NO_MODULES
    )
    assert loaded.issues == ()
    return loaded.golden


def test_an_assertion_takes_its_value_from_a_file() -> None:
    (case,) = with_files(FILES).cases
    values = [item.value for item in case.assertions if isinstance(item, Assertion)]

    assert values == ["Paris", {"type": "object"}, "file://evals/a/check.py:get_assert"]
    assert case.transform == "file://evals/a/trim.py"


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_a_case_names_moves_the_digest(file: str) -> None:
    edited = {**FILES, file: FILES[file].replace(b"object", b"array") + b" # edited"}
    if file.endswith(".json"):
        edited[file] = b'{"type": "array"}'

    assert with_files(FILES).digest != with_files(edited).digest


TURNS = "turns: [{role: user, content: Hello}, {role: assistant, content: 'Hi {{ name }}'}]"


def test_earlier_turns_of_a_case_are_taken_as_they_stand() -> None:
    (case,) = golden("g.yaml", f"- {{id: a, vars: {{message: And?}}, {TURNS}}}\n").cases

    assert case.turns == (
        Turn(role="user", content="Hello"),
        Turn(role="assistant", content="Hi {{ name }}"),
    )


def test_earlier_turns_are_in_the_digest_and_in_a_derived_id_where_there_are_some() -> None:
    plain = golden("g.yaml", "- {vars: {message: And?}}\n")
    chat = golden("g.yaml", f"- {{vars: {{message: And?}}, {TURNS}}}\n")

    assert plain.digest != chat.digest
    assert plain.cases[0].id != chat.cases[0].id
    assert "turns" not in case_content(plain.cases[0])


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("turns: []", "turns"),
        ("turns: [{role: system, content: a}]", "role"),
        ("turns: [{role: user}]", "content"),
        ("turns: [{role: user, content: 7}]", "content"),
    ],
)
def test_turns_that_are_none_are_refused(written: str, said: str) -> None:
    text = f"- {{id: a, vars: {{message: And?}}, {written}}}\n"

    loaded = load_golden("g.yaml", text.encode(), nothing_else, no_files, modules=NO_MODULES)

    assert any(said in f"{issue.path} {issue.message}" for issue in loaded.issues)
