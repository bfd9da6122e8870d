"""Stacks and suites that come and go are named, in the plan and in every report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from trees import Tree, scripted_tree

from tetrad.errors import ExitCode


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Two stacks, which the suite `feedback` judges, and a suite `again` for the first alone."""
    tree = scripted_tree(tmp_path / "repository")
    stack = (tree.root / "stacks/feedback.yaml").read_text()
    (tree.root / "stacks/second.yaml").write_text(stack)
    tree.edit("evals/feedback/suite.yaml", "[stacks/feedback]", "[stacks/feedback, stacks/second]")
    (tree.root / "evals/again").mkdir()
    for name in ("suite.yaml", "golden.yaml"):
        text = (tree.root / "evals/feedback" / name).read_text().replace(", stacks/second", "")
        (tree.root / "evals/again" / name).write_text(text)
    tree.commit()
    return tree


def coverage(tree: Tree, capsys: pytest.CaptureFixture[str], command: str = "plan") -> Any:
    capsys.readouterr()
    assert tree.tetrad(command, "--base", "main", "--format", "json") == ExitCode.PASSED
    return json.loads(capsys.readouterr().out)["coverage"]


def said(tree: Tree, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    tree.tetrad("plan", "--base", "main")
    return capsys.readouterr().out


def test_nothing_that_comes_or_goes_is_nothing_to_tell(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("prompts/feedback.yaml", "is it positive or negative?", "positive or negative?")

    assert coverage(tree, capsys) == []


@pytest.mark.parametrize("command", ["plan", "gate"])
def test_a_removed_suite_is_named_with_what_it_judged(
    command: str, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.git("rm", "-r", "--quiet", "evals/again")

    assert coverage(tree, capsys, command) == [
        {
            "change": "removed", "kind": "suite", "ref": "evals/again",
            "others": ["stacks/feedback"], "cases": 10,
        }
    ]  # fmt: skip
    sentence = "evals/again is removed: its 10 cases judge stacks/feedback no more\n"
    assert sentence in said(tree, capsys)


@pytest.mark.parametrize("command", ["plan", "gate"])
def test_a_removed_stack_is_named_with_what_judged_it(
    command: str, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.git("rm", "--quiet", "stacks/second.yaml")
    tree.edit("evals/feedback/suite.yaml", ", stacks/second", "")

    assert coverage(tree, capsys, command) == [
        {"change": "removed", "kind": "stack", "ref": "stacks/second", "others": ["evals/feedback"]}
    ]
    assert "stacks/second is removed, and evals/feedback judged it\n" in said(tree, capsys)


def test_a_suite_that_lost_a_stack_is_named(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.edit("evals/feedback/suite.yaml", ", stacks/second", "")

    assert "evals/feedback judges stacks/second no more\n" in said(tree, capsys)
    tree.tetrad("gate", "--base", "main")
    out = capsys.readouterr().out
    assert "this change reduces coverage: evals/feedback" in " ".join(out.split())
    assert "removed from evaluation\n  evals/feedback judges stacks/second no more\n" in out


def test_a_verdict_says_which_golden_set_lost_cases(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("evals/feedback/golden.yaml", "- id: irony", "- id: told-otherwise")
    tree.edit("evals/feedback/golden.yaml", "leaks. Well done", "leaks. How nice")
    tree.tetrad("gate", "--base", "main")

    assert " ".join(capsys.readouterr().out.split()).startswith(
        "✓ PASSED every requirement holds; this change reduces coverage: 1 case of evals/feedback"
    )


def test_a_suite_that_got_a_stack_is_named(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.edit("evals/again/suite.yaml", "[stacks/feedback]", "[stacks/feedback, stacks/second]")

    assert "evals/again judges stacks/second now, too\n" in said(tree, capsys)


def test_what_is_new_is_named_with_what_judges_it(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = (tree.root / "stacks/feedback.yaml").read_text()
    (tree.root / "stacks/third.yaml").write_text(stack)
    (tree.root / "stacks/fourth.yaml").write_text(stack)
    (tree.root / "evals/third").mkdir()
    for name in ("suite.yaml", "golden.yaml"):
        text = (tree.root / "evals/again" / name).read_text()
        (tree.root / "evals/third" / name).write_text(text.replace("s/feedback]", "s/third]"))

    out = said(tree, capsys)

    assert "evals/third is new: its 10 cases judge stacks/third\n" in out
    assert "stacks/third is new, judged by evals/third\n" in out
    assert "stacks/fourth is new, and no suite judges it\n" in out
