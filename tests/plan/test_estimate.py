"""What a plan foresees, held against what the run after it asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from trees import Tree, add_clock, scripted_tree

from tetrad.errors import ExitCode

ANSWERS = "stacks/models/scripted.answers.yaml"
JUDGED = "  assert: [{type: llm-rubric, value: Names a mood.}]\n"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return scripted_tree(tmp_path / "repository")


def with_tool(tree: Tree, tools: str = "recorded") -> None:
    """Every answer to a review is a call of a tool, whose result is answered `negative`."""
    add_clock(tree)
    tree.append("stacks/feedback.yaml", "tool_loop: {max_steps: 4}\n")
    tree.edit("prompts/feedback.yaml", "style: completion\n", "style: chat\n")
    tree.append("evals/feedback/suite.yaml", f"tools: {tools}\n")
    (tree.root / ANSWERS).write_text(
        "- {contains: '<review>', tool_calls: [{name: now, arguments: {}}]}\n"
        "- {contains: '', output: negative}\n"
    )


def with_judge(tree: Tree, cases: int = 3) -> None:
    """The first cases are judged by a script of its own, which always consents."""
    (tree.root / "stacks/models/judge.answers.yaml").write_text(
        """- {contains: "", output: '{"reason": "so", "pass": true, "score": 1}'}\n"""
    )
    (tree.root / "stacks/models/judge.yaml").write_text(
        "kind: model\nsource: file://stacks/models/judge.answers.yaml\n"
        "engine: {scripted: {answers: ./judge.answers.yaml}}\n"
    )
    tree.append("evals/feedback/suite.yaml", "judges: {default: {model: stacks/models/judge}}\n")
    golden = (tree.root / "evals/feedback/golden.yaml").read_text()
    head, *rest = golden.split("- id: ")
    judged = [
        "\n".join(line for line in case.splitlines() if "assert:" not in line) + f"\n{JUDGED}"
        for case in rest[:cases]
    ]
    (tree.root / "evals/feedback/golden.yaml").write_text(
        "- id: ".join([head, *judged, *rest[cases:]])
    )


def foreseen(tree: Tree, capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    capsys.readouterr()
    assert tree.tetrad("plan", *options, "--format", "json") == ExitCode.PASSED
    return json.loads(capsys.readouterr().out)["estimate"]


def made(tree: Tree, capsys: pytest.CaptureFixture[str], *options: str) -> int:
    capsys.readouterr()
    tree.tetrad("gate", *options, "--format", "json")
    return int(json.loads(capsys.readouterr().out)["calls"]["made"])


def test_what_needs_no_guess_is_foreseen_exactly(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("prompts/feedback.yaml", "is it positive or negative?", "positive or negative?")
    tree.edit("evals/feedback/golden.yaml", "- id: irony\n", "- id: irony\n  repeats: 3\n")

    estimate = foreseen(tree, capsys, "--base", "main")

    assert estimate["calls"] == {"least": 24, "most": 24}
    assert made(tree, capsys, "--base", "main") == 24


def test_equal_requests_of_two_suites_are_foreseen_once(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree.root / "evals/again").mkdir()
    for name in ("suite.yaml", "golden.yaml"):
        (tree.root / "evals/again" / name).write_text(
            (tree.root / "evals/feedback" / name).read_text()
        )

    estimate = foreseen(tree, capsys)

    assert estimate["calls"] == {"least": 10, "most": 10}
    assert made(tree, capsys) == 10


def test_the_steps_of_a_tool_loop_are_within_the_bound(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    with_tool(tree)

    estimate = foreseen(tree, capsys)

    assert estimate["calls"] == {"least": 10, "most": 40}
    assert made(tree, capsys) == 20
    assert foreseen(tree, capsys)["calls"] == {"least": 0, "most": 0}


def test_a_loop_of_live_tools_is_foreseen_to_where_its_answers_are_kept(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    with_tool(tree, tools="live")
    assert made(tree, capsys) == 20

    assert foreseen(tree, capsys)["calls"] == {"least": 0, "most": 30}


def test_a_base_with_the_same_identity_is_not_foreseen_twice(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    with_tool(tree)
    tree.tetrad("lock")
    tree.commit()
    tree.edit("evals/feedback/golden.yaml", "- id: irony\n", "- id: sarcasm\n")

    assert foreseen(tree, capsys, "--base", "main")["calls"] == {"least": 10, "most": 40}


def test_definitions_of_tools_count_as_tokens(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    with_tool(tree)
    before = foreseen(tree, capsys)["input_tokens"]["most"]
    tree.edit("stacks/tools/clock.yaml", "Tell what time it is.", "Tell what time it is. " * 20)

    assert foreseen(tree, capsys)["input_tokens"]["most"] > before + 40 * 19 * 20


def test_judges_are_foreseen_apart(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    with_judge(tree)

    estimate = foreseen(tree, capsys)

    assert estimate["calls"] == {"least": 10, "most": 13}
    assert estimate["judge_calls"] == {"least": 0, "most": 3}
    tree.tetrad("plan")
    assert "10 to 13 calls (0 to 3 of them to judges), at most " in capsys.readouterr().out
    assert 10 < made(tree, capsys) <= 13
    assert foreseen(tree, capsys)["calls"] == {"least": 0, "most": 0}


def test_a_judge_of_kept_answers_is_foreseen_exactly(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tree, capsys)
    with_judge(tree)

    estimate = foreseen(tree, capsys)

    assert estimate["calls"] == estimate["judge_calls"]
    assert estimate["calls"]["least"] == estimate["calls"]["most"]
    assert made(tree, capsys) == estimate["calls"]["most"]


def test_answers_of_any_length_have_no_most(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.edit("prompts/feedback.yaml", ", max_tokens: 8", "")
    tree.append("stacks/models/scripted.yaml", "prices: {input: 1, output: 2}\n")

    estimate = foreseen(tree, capsys)

    assert (estimate["output_tokens"]["most"], estimate["cost_usd"]["most"]) == (None, None)
    tree.tetrad("plan")
    assert "tokens in, answers of any length" in capsys.readouterr().out


def test_another_engine_is_not_taken_for_the_one_whose_answers_are_kept(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tree, capsys)

    estimate = foreseen(tree, capsys, "--engine", "openai:gpt")

    assert estimate["calls"] == {"least": 10, "most": 10}


def test_the_time_is_that_of_earlier_runs_and_says_so(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert foreseen(tree, capsys)["seconds"] == {"least": None, "most": None}
    tree.tetrad("plan")
    assert "duration unknown before the first run" in capsys.readouterr().out
    made(tree, capsys)
    tree.edit("prompts/feedback.yaml", "is it positive or negative?", "positive or negative?")

    assert foreseen(tree, capsys)["seconds"]["most"] > 0
    tree.tetrad("plan")
    assert "the time is that of so many calls in earlier runs" in capsys.readouterr().out


def test_the_pace_of_one_engine_says_nothing_of_another(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tree, capsys)

    assert foreseen(tree, capsys, "--engine", "openai:gpt")["seconds"]["most"] is None
