"""promptfoo's files in the shapes that people have, and the cases that they become."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from goldens import check_golden

from tetrad.errors import Location
from tetrad.golden import GoldenFile, load_golden
from tetrad.loading.files import Tree
from tetrad.loading.repositories import load_repository
from tetrad.model import Assertion, AssertionSet, Case, Suite
from tetrad.modules import Modules
from tetrad.schemas.check import schema_of
from tetrad.trees import WorkingTree

VALID = Path(__file__).parent.parent / "loading" / "valid"
DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_files_of_a_hotels_desk_become_cases() -> None:
    suites = load_repository(VALID / "promptfoo-desk").suites.values()

    listed = "\n".join(line for suite in suites for line in _suite(suite))
    check_golden(VALID / "promptfoo-desk.cases.txt", f"{listed}\n")


def _suite(suite: Suite) -> Iterator[str]:
    for case in suite.golden.cases:
        yield f"{case.location}  {case.id}"
        yield from (f"    {line}" for line in _case(case))


def _case(case: Case) -> Iterator[str]:
    for name, value in case.vars.items():
        yield f"{name} = {json.dumps(value, ensure_ascii=False)}"
    if case.repeats > 1:
        yield f"repeats: {case.repeats}"
    for key in ("threshold", "transform", "metadata"):
        if getattr(case, key) not in (None, {}):
            yield f"{key}: {getattr(case, key)}"
    for item in case.assertions:
        yield from _assertion(item)


def _assertion(item: Assertion | AssertionSet) -> Iterator[str]:
    further = [
        f"{key} {getattr(item, key)}"
        for key in ("threshold", "metric", "judge")
        if getattr(item, key, None) is not None
    ]
    further += [f"weight {item.weight:g}"] if item.weight != 1 else []
    if isinstance(item, Assertion):
        value = json.dumps(item.value, ensure_ascii=False)
        yield "  ".join([f"- {item.written} {value}", *further, f"({item.location})"])
        return
    yield "  ".join(["- all of", *further])
    for inner in item.assertions:
        yield from (f"  {line}" for line in _assertion(inner))


FILES = {
    "evals/a/vars/one.yaml": b"question: one\ncity: Rome\n",
    "evals/a/vars/two.json": b'{"city": "Paris \\ud83d\\ude00"}',
    "evals/a/note.txt": b"Ask {{ city }}.\n",
    "evals/a/order.python.json": b'{"type": "object"}',
    "evals/a/rows.jsonl": b'{"vars": {"question": "from a line"}}\n',
    "evals/a/list.yaml": b"- vars: {question: from a list}\n",
    "evals/a/scenarios.yaml": b"- config: [{vars: {city: Rome}}, {vars: {city: Oslo}}]\n  tests: [{}]\n",
}


def loaded(text: str, name: str = "evals/a/promptfooconfig.yaml") -> GoldenFile:
    def read(file: str, at: Location) -> bytes:
        return FILES[file]

    def glob(pattern: str) -> list[str]:
        head, tail = pattern.split("*")
        return [file for file in FILES if file.startswith(head) and file.endswith(tail)]

    return load_golden(
        name, text.encode(), read, glob, modules=Modules(Tree(WorkingTree(Path("/nonexistent"))))
    )


def cases(text: str, name: str = "evals/a/promptfooconfig.yaml") -> tuple[Case, ...]:
    file = loaded(text, name)
    assert file.issues == ()
    return file.golden.cases


def messages(text: str, name: str = "evals/a/promptfooconfig.yaml") -> list[str]:
    return [issue.message for issue in loaded(text, name).issues]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("file://vars/one.yaml", {"question": "one", "city": "Rome"}),
        ("vars/one.yaml", {"question": "one", "city": "Rome"}),
        ("file://vars/*", {"question": "one", "city": "Paris 😀"}),
        ("[file://vars/two.json, file://vars/one.yaml]", {"question": "one", "city": "Rome"}),
        ('{question: "file://note.txt", city: Rome}', {"question": "Ask Rome.", "city": "Rome"}),
        ('{question: "{{a}}", a: "{{b}}!", b: 3}', {"question": "3!", "a": "3!", "b": 3}),
        ('{question: "{ {city} } {# no #}", city: x}', {"question": "{ {city} } {# no #}"}),
        ('{question: "one line\\n"}', {"question": "one line"}),
    ],
)
def test_vars_are_what_promptfoo_makes_of_them(written: str, expected: dict[str, object]) -> None:
    (case,) = cases(f"tests: [{{vars: {written}}}]")

    assert {**case.vars, **expected} == case.vars


def test_a_list_of_files_stands_for_a_case_each() -> None:
    found = cases("tests: [{vars: {question: [file://note.txt, plain], city: Rome}}]")

    assert [case.vars["question"] for case in found] == ["Ask Rome.", "plain"]


def test_braces_are_text_in_a_list_of_cases_unless_they_name_another_variable() -> None:
    text = '- vars: {question: "${{ env.X }} {{ question }} {% if %}", city: Rome}'

    (case,) = cases(text, "evals/a/golden.yaml")

    assert case.vars["question"] == "${{ env.X }} {{ question }} {% if %}"


@pytest.mark.parametrize(
    "question", ["{{ city | upper }}", "{{- city }}", "{{ city.name }}", "{{ cities }}"]
)
def test_a_template_that_names_another_variable_is_refused_everywhere(question: str) -> None:
    line = json.dumps({"vars": {"question": question, "city": "Rome", "cities": [1]}})

    assert messages(line, "evals/a/golden.jsonl") == [
        "promptfoo runs the template in the variable 'question', and here it is a text"
    ]


@pytest.mark.parametrize(
    "vars_",
    [
        {f"v{n}": f"{{{{ v{n + 1} }}}}" * 50 for n in range(8)} | {"v8": "x"},
        {"a": "{{ b }}", "b": "{{ a }}"},
        {"a": "{{" * 200_000, "b": "{%" * 200_000 + "%}"},
    ],
    ids=["laughs", "circle", "long"],
)
def test_names_within_names_end(vars_: dict[str, str]) -> None:
    config = json.dumps({"tests": [{"vars": vars_}]})

    told = {message.partition(" in the variable ")[0] for message in messages(config)}

    assert told == {"promptfoo runs the template"}


@pytest.mark.parametrize("tests", ["file://rows.jsonl", "rows.jsonl", "[file://rows.jsonl]"])
def test_tests_come_from_a_file_that_is_named_with_or_without_its_scheme(tests: str) -> None:
    assert [case.vars["question"] for case in cases(f"tests: {tests}")] == ["from a line"]


def test_scenarios_run_every_test_on_every_row() -> None:
    text = """
defaultTest: {assert: [{type: contains, value: default}]}
scenarios:
  - config:
      - {vars: {city: Rome, question: row}, assert: [{type: contains, value: row}]}
      - {vars: {city: Oslo}, options: {disableDefaultAsserts: true}}
    tests:
      - {vars: {question: test}, assert: [{type: contains, value: test}]}
      - file://list.yaml
  - file://scenarios.yaml
"""

    found = [(dict(case.vars), _values(case)) for case in cases(text)]

    assert found == [
        ({"city": "Rome", "question": "test"}, ["default", "row", "test"]),
        ({"city": "Rome", "question": "from a list"}, ["default", "row"]),
        ({"city": "Oslo", "question": "test"}, ["test"]),
        ({"city": "Oslo", "question": "from a list"}, []),
        ({"city": "Rome"}, ["default"]),
        ({"city": "Oslo"}, ["default"]),
    ]


def _values(case: Case) -> list[object]:
    return [item.value for item in case.assertions if isinstance(item, Assertion)]


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("evaluateOptions: {repeat: 3}", [3, 5]),
        ("evaluateOptions: {repeat: 3}\ncommandLineOptions: {repeat: 4}", [4, 5]),
        ("evaluateOptions: {repeat: 3}\ndefaultTest: {repeats: 2}", [2, 5]),
        ("evaluateOptions: {maxConcurrency: 3}", [1, 5]),
    ],
)
def test_a_config_can_repeat_the_cases_that_say_nothing_of_it(
    text: str, repeats: list[int]
) -> None:
    found = cases(f"{text}\ntests: [{{vars: {{q: a}}}}, {{vars: {{q: b}}, repeats: 5}}]")

    assert [case.repeats for case in found] == repeats


def test_the_grader_of_an_assertion_or_a_test_is_the_judge_of_that_name() -> None:
    text = """
defaultTest: {options: {provider: the-suites-own}, assert: [{type: llm-rubric, value: d}]}
tests:
  - {assert: [{type: llm-rubric, value: a}, {type: llm-rubric, value: b, provider: strict}]}
  - options: {provider: mild}
    assert:
      - {type: not-llm-rubric, value: a}
      - {type: assert-set, assert: [{type: llm-rubric, value: b, provider: strict}]}
      - {type: llm-rubric, value: c, provider: strict, judge: ours}
      - {type: contains, value: d, provider: strict}
"""

    judges = [[_judge(item) for item in case.assertions] for case in cases(text)]

    assert judges == [[None, None, "strict"], [None, "mild", "strict", "ours", None]]


def _judge(item: Assertion | AssertionSet) -> str | None:
    return item.judge if isinstance(item, Assertion) else _judge(item.assertions[0])


def test_a_description_of_the_default_names_no_case() -> None:
    (case,) = cases("defaultTest: {description: All}\ntests: [{vars: {q: a}}]")

    assert case.description == ""


@pytest.mark.parametrize("key", ["x-checks", "_checks", ".checks", "providers", "redteam"])
def test_a_key_that_decides_nothing_about_cases_is_not_looked_at(key: str) -> None:
    assert len(cases(f"{key}: [{{a: 1}}]\ntests: [{{vars: {{q: a}}}}]")) == 1


def test_a_template_of_a_line_is_none() -> None:
    line = '{"assert": [{"$ref": "#/assertionTemplates/short"}]}'

    assert messages(line, "evals/a/golden.jsonl") == ["unknown assertion template 'short'"]


@pytest.mark.parametrize(
    ("header", "row", "thresholds"),
    [
        ("q,__expected,__config:__expected:threshold", "a,similar: b,0.9", [0.9]),
        ("q,__expected,__config:__expected1:threshold", "a,similar: b,0.9", [0.9]),
        ("q,__config:__expected:threshold,__expected1", "a,0.9,similar: b", [0.9]),
        ("q,__expected1,__expected2,__config:__expected2:threshold", "a,,similar: b,0.9", [0.9]),
        ("q, __expected ,__threshold", "a, similar: b ,0.5", [0.8]),
        ("q,__expected", "a,bleu(0.4): b", [0.4]),
    ],
)
def test_a_row_says_which_threshold_is_whose(
    header: str, row: str, thresholds: list[float]
) -> None:
    (case,) = cases(f"{header}\n{row}\n", "evals/a/golden.csv")

    assert [item.threshold for item in case.assertions] == thresholds


def test_a_list_of_metadata_has_commas_behind_backslashes() -> None:
    (case,) = cases('q,__metadata:tags[]\na,"one, two\\, three"\n', "evals/a/golden.csv")

    assert case.metadata == {"tags": ["one", "two, three"]}


@pytest.mark.parametrize(("cell", "threshold"), [("0", None), ("", None), ("0.5", 0.5)])
def test_a_threshold_of_0_is_none_in_a_table(cell: str, threshold: float | None) -> None:
    (case,) = cases(f"q,__expected,__threshold\na,b,{cell}\n", "evals/a/golden.csv")

    assert case.threshold == threshold


def test_a_file_of_data_is_no_program_whatever_its_name_has_in_it() -> None:
    (case,) = cases("tests: [{assert: [{type: is-json, value: file://order.python.json}]}]")

    (assertion,) = case.assertions
    assert isinstance(assertion, Assertion)
    assert assertion.value == {"type": "object"}


def test_a_description_of_an_assertion_is_for_people() -> None:
    bare = cases("tests: [{assert: [{type: equals, value: a}]}]")
    told = cases("tests: [{assert: [{type: equals, value: a, description: Says a}]}]")

    assert loaded_assertions(bare) == loaded_assertions(told)


def loaded_assertions(found: tuple[Case, ...]) -> list[tuple[str, object]]:
    return [
        (item.written, item.config)
        for case in found
        for item in case.assertions
        if isinstance(item, Assertion)
    ]


def test_the_page_names_every_key_of_a_config_that_is_not_looked_at() -> None:
    page = (DOCS / "bring-your-own.md").read_text(encoding="utf-8")
    table = page.partition("## promptfoo files")[2].partition("## Assertions")[0]
    keys = schema_of("golden")["oneOf"][1]["properties"]

    unread = [key for key, says in keys.items() if says.get("description") == "Not looked at."]

    assert [key for key in unread if f"`{key}`" not in table] == ["$schema"]
