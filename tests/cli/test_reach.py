"""What is named is loaded with all that it reaches and all that judges it, and nothing besides."""

from __future__ import annotations

import json

import pytest
from trees import Tree

from tetrad.canonical import digest_bytes
from tetrad.errors import ExitCode

GOLDEN = "evals/feedback/golden.yaml"
SUITE = "evals/other/suite.yaml"
NAMED = (
    ("show", "feedback"),
    ("show", "./stacks/feedback.yaml"),
    ("log", "feedback"),
    ("evidence", "show", "feedback"),
    ("eval", "stacks/feedback"),
    ("eval", "evals/feedback"),
    ("try", "feedback", "review=So soft"),
    ("plan", "feedback"),
    ("plan", "feedback", "--base", "main"),
    ("gate", "feedback", "--base", "main"),
)


@pytest.mark.parametrize("command", NAMED, ids=" ".join)
def test_a_fault_in_what_is_not_reached_changes_nothing(
    command: tuple[str, ...], tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    code = tree.tetrad(*command)
    tree.write("prompts/other.yaml", "kind: prompt\nmesages: []\n")
    tree.write(SUITE, "kind: suite\nstacks: [stacks/other]\ngolden: ./golden.yaml\n")

    assert tree.tetrad(*command) == code == ExitCode.PASSED
    assert "error" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "stacks",
    [
        "[stacks/feedback]",
        "[../../stacks/./feedback]",
        '["stacks/f\\u0065edback"]',
        '["stacks/feed\\\n    back"]',
    ],
)
@pytest.mark.parametrize("command", [("show", "feedback"), ("gate", "feedback", "--base", "main")])
def test_a_suite_that_judges_a_stack_is_read_however_it_names_it(
    command: tuple[str, ...], stacks: str, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.write(SUITE, f"kind: suite\nstacks: {stacks}\ngolden: ./golden.yaml\n")

    assert tree.tetrad(*command) == ExitCode.MISUSE
    assert "there is no file evals/other/golden.yaml" in capsys.readouterr().err


def test_a_suite_that_judges_a_stack_on_the_base_alone_is_told(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tree.root / "stacks/other.yaml"
    other.write_bytes((tree.root / "stacks/feedback.yaml").read_bytes())
    tree.edit("evals/feedback/suite.yaml", "stacks: [stacks/feedback]", "stacks: [stacks/other]")

    tree.tetrad("plan", "feedback", "--base", "main")

    assert "no longer judged by evals/feedback" in capsys.readouterr().out


def test_an_unknown_name_is_told_with_all_there_are(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.tetrad("show", "prompts/feedback") == ExitCode.MISUSE
    assert "there are stacks/feedback" in capsys.readouterr().err


def test_a_suite_is_shown_with_the_digest_that_reports_name(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("gate", "--format", "json")
    (suite,) = json.loads(capsys.readouterr().out)["stacks"][0]["suites"]

    tree.tetrad("show", "evals/feedback")
    shown = capsys.readouterr().out.split()
    tree.tetrad("show", "evals/feedback", "--identity-json")

    assert ["suite", suite["digest"]] == shown[shown.index("suite") :][:2]
    assert ["set", suite["golden"], GOLDEN] == shown[shown.index("set") :][:3]
    assert str(digest_bytes(capsys.readouterr().out.encode())) == suite["digest"]
