"""A file that a golden set's code or a tool opens is part of what judges, or of what is judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from trees import Tree, scripted_tree

from tetrad.errors import ExitCode

GOLDEN = "evals/feedback/golden.yaml"
SUITE = "evals/feedback/suite.yaml"
WORDS = "evals/feedback/words.txt"
CHECK = """\
from pathlib import Path

def get_assert(output, context):
    return output in Path(__file__).with_name("words.txt").read_text().split()
"""
DECLARED = "golden: ./golden.yaml\nfiles: [./words.txt]\n"


@pytest.fixture
def tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tree:
    """One case is graded by code that opens a list of words, by which its answer is wrong."""
    made = scripted_tree(tmp_path / "repository")
    made.write("evals/feedback/check.py", CHECK)
    made.write(WORDS, "negative\n")
    made.edit(GOLDEN, 'sister."}\n  assert: [{type: equals, value: positive}]',
              'sister."}\n  assert: [{type: python, value: "file://check.py"}]')  # fmt: skip
    capsys.readouterr()
    return made


def declare(tree: Tree) -> None:
    tree.edit(SUITE, "golden: ./golden.yaml\n", DECLARED)


def gate(tree: Tree, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = tree.tetrad("gate", "--base", "main", "--format", "json")
    return code, json.loads(capsys.readouterr().out)


def digests(tree: Tree) -> str:
    tree.tetrad("lock")
    return (tree.root / "stacks/feedback.lock").read_text()


def test_an_edit_of_words_that_are_not_declared_passes_no_case(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.commit()
    tree.write(WORDS, "positive\n")
    tree.edit("prompts/feedback.yaml", "Sort each", "Judge each")

    code, report = gate(tree, capsys)

    assert (code, report["decision"]) == (ExitCode.INCONCLUSIVE, "INCONCLUSIVE")
    cases = {case["id"]: case for case in report["stacks"][0]["suites"][0]["cases"]}
    assert "reads evals/feedback/words.txt, which its digest does not cover" in str(
        cases["soft-blanket"]
    )


def test_an_edit_of_declared_words_is_judged_by_the_old_words_too(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(tree)
    tree.append(SUITE, "  - {must_pass: {case: soft-blanket}}\n")
    tree.commit()
    tree.write(WORDS, "positive\n")
    tree.edit("prompts/feedback.yaml", "Sort each", "Judge each")

    code, report = gate(tree, capsys)

    assert (code, report["decision"]) == (ExitCode.REFUSED, "FAILED")
    stack = report["stacks"][0]
    assert [suite["decision"] for suite in stack["suites"]] == ["PASSED"]
    assert [by["decision"] for by in stack["by_base"]] == ["FAILED"]
    assert [change["kind"] for change in report["yardstick"]] == ["code"]


def test_a_declared_file_is_part_of_the_golden_sets_digest(tree: Tree) -> None:
    declare(tree)
    before = digests(tree)
    tree.write(WORDS, "negative\r\n")
    assert digests(tree) == before

    tree.write(WORDS, "positive\n")

    assert digests(tree) != before


TOOL = """\
kind: tool
name: rate
description: Tell the rate of a currency.
input_schema: {type: object, additionalProperties: false}
effect: read
run: {python: "rates:rate"}
"""


def test_a_declared_file_is_part_of_a_tools_identity(tree: Tree) -> None:
    tree.write(
        "stacks/tools/rates.py", "def rate():\n    return open('stacks/tools/a.txt').read()\n"
    )
    tree.write("stacks/tools/a.txt", "1\n")
    tree.write("stacks/tools/rates.yaml", TOOL)
    tree.append("stacks/feedback.yaml", "tools: [stacks/tools/rates]\n")
    bare = digests(tree)
    tree.edit("stacks/tools/rates.yaml", '"rates:rate"', '"rates:rate", files: [./a.txt]')
    declared = digests(tree)
    tree.write("stacks/tools/a.txt", "2\n")
    edited = digests(tree)

    (tree.root / "stacks/tools").rename(tree.root / "stacks/hands")
    tree.edit("stacks/feedback.yaml", "stacks/tools/rates", "stacks/hands/rates")

    assert len({bare, declared, edited}) == 3
    assert digests(tree) == edited.replace("stacks/tools/", "stacks/hands/")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            "[./missing.txt]",
            "7:9: error[SCH107]: $.files[0]: there is no file evals/feedback/missing",
        ),
        (
            "[../../../outside.txt]",
            "7:9: error[SCH107]: $.files[0]: this path leaves the repository",
        ),
        ("[.]", "7:9: error[SCH107]: $.files[0]: there is no file evals/feedback\n"),
        ("[]", "7:8: error[SCH104]: $.files: this list is empty"),
        ("[words.txt, words.txt]", '7:20: error[SCH104]: $.files[1]: duplicate item "words.txt"'),
        ("words.txt", "7:8: error[SCH104]: $.files: this must be a list"),
    ],
)
def test_what_cannot_be_declared_is_told_with_its_place(
    tree: Tree, capsys: pytest.CaptureFixture[str], files: str, message: str
) -> None:
    tree.edit(SUITE, "golden: ./golden.yaml\n", f"golden: ./golden.yaml\nfiles: {files}\n")

    assert tree.tetrad("eval") == ExitCode.MISUSE
    assert f"{SUITE}:{message}" in capsys.readouterr().err
