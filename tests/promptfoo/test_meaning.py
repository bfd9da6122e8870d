"""What promptfoo's test files mean, held against the results of promptfoo 0.121 on the same files.

The prompt is `<<<{{ q }}>>>` and the model repeats q, as promptfoo's provider `echo` does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from trees import Tree

from tetrad.errors import ExitCode

FILES = {
    "prompts/p.yaml": """\
kind: prompt
variables: {q: {trust: trusted}}
messages: [{role: user, content: "<<<{{ q }}>>>"}]
""",
    "stacks/models/m.yaml": """\
kind: model
source: file://./m.answers.yaml
engine: {scripted: {answers: ./m.answers.yaml}}
""",
    "stacks/s.yaml": "kind: stack\nprompt: prompts/p\nmodel: stacks/models/m\n",
    "evals/x/suite.yaml": (
        "kind: suite\nstacks: [stacks/s]\ngolden: ./promptfooconfig.yaml\nmetrics: [answer]\n"
    ),
}


def repository(root: Path, config: str, answers: list[str], files: Mapping[str, str]) -> Tree:
    scripted = [{"contains": f"<<<{text}>>>", "output": text} for text in answers]
    beside = {f"evals/x/{name}": text for name, text in files.items()}
    for name, text in {**FILES, **beside, "evals/x/promptfooconfig.yaml": config}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (root / "stacks/models/m.answers.yaml").write_text(json.dumps(scripted), encoding="utf-8")
    return Tree(root)


def results(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> list[tuple[bool, Mapping[str, float]]]:
    code = tree.tetrad("eval", "x", "--format", "json")

    captured = capsys.readouterr()
    assert code in {ExitCode.PASSED, ExitCode.REFUSED}, captured.err
    (run,) = json.loads(captured.out)
    return [(case["passed"], case["metrics"]) for case in run["cases"]]


def config_of(asserted: str, q: str = "hello") -> str:
    return f"tests: [{{vars: {{q: {json.dumps(q)}}}, assert: [{asserted}]}}]\n"


VALUE = "def get_assert(output, context):\n    return 'hell'\n"
MEANINGS = {
    "not-python of true": (config_of("{type: not-python, value: output == 'hello'}"), {}, False, 0.0),
    "not-python of false": (config_of("{type: not-python, value: output == 'bye'}"), {}, True, 1.0),
    "not-python of a number": (config_of("{type: not-python, value: '0.4'}"), {}, False, 0.4),
    "a value that code makes": (
        config_of("{type: contains, value: file://v.py}"), {"v.py": VALUE}, True, 1.0,
    ),
    "not-, of a value that code makes": (
        config_of("{type: not-contains, value: 'file://v.py:get_assert'}"), {"v.py": VALUE}, False, 0.0,
    ),
    "the rendered prompt": (
        config_of("{type: python, value: 'context[\"prompt\"] == \"<<<hello>>>\"'}"), {}, True, 1.0,
    ),
    "the test's own vars": (
        config_of("{type: python, value: 'context[\"test\"][\"vars\"][\"q\"] == \"hello\"'}"), {}, True, 1.0,
    ),
    "the provider's response": (
        config_of(
            "{type: python, value: 'context[\"providerResponse\"][\"output\"] == \"hello\"',"
            " transform: output.toUpperCase()}"
        ), {}, True, 1.0,
    ),
    "a file in a list": (
        config_of("{type: contains-any, value: [file://t.txt, zz]}"), {"t.txt": "hell\n"}, True, 1.0,
    ),
    "not-, of a file in a list": (
        config_of("{type: not-contains-any, value: [file://t.txt, zz]}"), {"t.txt": "hell\n"}, False, 0.0,
    ),
    "a quote after a backslash in a list": (
        config_of(r"""{type: contains-any, value: '"a \"hell", "zz"'}"""), {}, False, 0.0,
    ),
    "a list in a cell, over two lines": (
        "tests: file://t.csv\n",
        {"t.csv": 'q,__expected\nhello,"contains-any: zz,\nhello"\n'}, True, 1.0,
    ),
    "a back reference by name": (
        config_of("{type: regex, value: '(?<n>l)\\k<n>'}"), {}, True, 1.0,
    ),
    "a control character": (
        config_of(r"{type: regex, value: 'a\cJb|[\cIx]a'}", "xa"), {}, True, 1.0,
    ),
    "any character": (config_of("{type: regex, value: 'hell[^]$'}"), {}, True, 1.0),
    "no character": (config_of("{type: not-regex, value: 'hell[]'}"), {}, True, 1.0),
    "a bracket within a class": (config_of("{type: not-regex, value: '[[\\]$]'}"), {}, True, 1.0),
    "a set of weight 0 decides": (
        config_of(
            "{type: assert-set, weight: 0, assert: [{type: contains, value: zzz}]}, "
            "{type: contains, value: hell}"
        ), {}, False, 1.0,
    ),
    "a threshold where nothing has a weight": (
        "tests: [{vars: {q: hello}, threshold: 0.5, assert: [{type: contains, value: hell, weight: 0}]}]\n",
        {}, False, 1.0,
    ),
    "a threshold of a set where nothing has a weight": (
        config_of(
            "{type: assert-set, threshold: 0.5, assert: [{type: contains, value: hell, weight: 0}]}"
        ), {}, False, 1.0,
    ),
    "a threshold of 0 where nothing has a weight": (
        "tests: [{vars: {q: hello}, threshold: 0, assert: [{type: contains, value: zz, weight: 0}]}]\n",
        {}, True, 0.0,
    ),
    "an assertion of weight 0 does not": (
        config_of("{type: contains, value: zzz, weight: 0}, {type: contains, value: hell}"), {}, True, 1.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MEANINGS)
def test_an_assertion_means_what_it_means_in_promptfoo(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, files, passed, score = MEANINGS[name]
    tree = repository(tmp_path, config, ["hello", "xa"], files)

    assert results(tree, capsys) == [(passed, {"answer": score})]


def test_named_scores_of_code_are_measured_beside_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = "{'pass': True, 'score': 0.9, 'reason': 'r', 'namedScores': {'tone': 0.2}}"
    tree = repository(tmp_path, config_of(f'{{type: python, value: "{value}"}}'), ["hello"], {})

    assert results(tree, capsys) == [(True, {"answer": 0.9, "tone": 0.2})]


NAMED_METRICS = {
    "by a variable that names another": """\
tests:
  - vars: {q: hello, tone: 'a{{ kind }}', kind: nswer}
    assert: [{type: contains, value: hell, metric: '{{tone}}'}]
""",
    "in part": """\
defaultTest: {assert: [{type: contains, value: hell, metric: 'an{{ kind }}'}]}
tests: [{vars: {q: hello, kind: swer}}]
""",
    "of a set and in it": """\
tests:
  - vars: {q: hello, kind: answer}
    assert:
      - {type: assert-set, metric: '{{ kind }}', assert: [{type: contains, value: hell, metric: '{{kind}}'}]}
""",
}


@pytest.mark.parametrize("way", NAMED_METRICS)
def test_a_metric_is_named_by_the_variables(
    way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = repository(tmp_path, NAMED_METRICS[way], ["hello"], {})

    assert results(tree, capsys) == [(True, {"answer": 1.0})]


@pytest.mark.parametrize("metric", ["{{ missing }}", "{{ q | upper }}", "{% if q %}a{% endif %}"])
def test_a_metric_that_no_variable_names_is_refused(
    metric: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_of(f"{{type: contains, value: hell, metric: '{metric}'}}")
    tree = repository(tmp_path, config, ["hello"], {})

    assert tree.tetrad("eval", "x") == ExitCode.MISUSE
    told = capsys.readouterr().err
    assert "promptfooconfig.yaml:1:3" in told
    assert f"promptfoo runs the template in the metric {metric!r}" in told


def test_code_that_makes_no_value_decides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "def get_assert(output, context):\n    return None\n"
    tree = repository(
        tmp_path, config_of("{type: contains, value: file://v.py}"), ["hello"], {"v.py": code}
    )

    assert tree.tetrad("eval", "x") == ExitCode.INCONCLUSIVE
    assert "cannot be the value" in capsys.readouterr().out


def test_a_json_file_is_a_variable_as_it_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = '{"a": [1, 1.50]}'
    config = config_of("{type: contains, value: '1.50'}", "file://v.json")
    tree = repository(tmp_path, config, [written], {"v.json": f"{written}\n"})

    assert results(tree, capsys) == [(True, {"answer": 1.0})]


def test_a_file_that_is_named_twice_is_read_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = "- {vars: {q: hello}, assert: [{type: contains, value: hell}]}\n"
    config = 'tests: [file://a1.yaml, "file://a*.yaml"]\n'
    tree = repository(tmp_path, config, ["hello"], {"a1.yaml": cases})

    assert results(tree, capsys) == [(True, {"answer": 1.0})] * 2


def test_files_that_include_each_other_many_times_over_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = {
        f"{n}.yaml": f"tests: [{', '.join([f'file://{n + 1}.yaml'] * 10)}]\n" for n in range(9)
    }
    tree = repository(
        tmp_path, "tests: file://0.yaml\n", [], {**levels, "9.yaml": "- vars: {q: a}\n"}
    )

    assert tree.tetrad("eval", "x") == ExitCode.MISUSE
    assert "evals/x/3.yaml is included more than 100 times" in capsys.readouterr().err


def test_a_scenario_without_tests_has_no_cases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_of("{type: equals, value: hello}")
    config += "scenarios: [{config: [{vars: {q: zed}}, {vars: {q: y}}]}]\n"
    tree = repository(tmp_path, config, ["hello"], {})

    assert results(tree, capsys) == [(True, {"answer": 1.0})]


@pytest.mark.parametrize(
    ("output", "value", "passed"),
    [
        ("[1, 2, 3]", "", False),
        ("{'a': 1}", "", True),
        ('{"a": 1,}', "", True),
        ("use {curly} braces", "", True),
        ('[{"a": 1}]', ", value: {type: array}", False),
        ('[{"a": 1}]', ", value: {type: object}", True),
        ('Here: {"a": {"b": 1}}.', ", value: {required: [a]}", True),
        ('{broken: [} {"a": 1}', ", value: {required: [a]}", True),
        ("an open { brace", "", False),
    ],
)
def test_contains_json_looks_for_objects_as_yaml_reads_them(
    output: str, value: str, passed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_of(f"{{type: contains-json{value}}}", output)
    tree = repository(tmp_path, config, [output], {})

    assert results(tree, capsys) == [(passed, {"answer": float(passed)})]
