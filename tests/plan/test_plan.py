"""What a plan says of changes that a gate would run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from trees import Tree, add_clock, scripted_tree

from tetrad.errors import ExitCode
from tetrad.plan.changes import MAX_DIFF_LINES, unified


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return scripted_tree(tmp_path / "repository")


def planned(tree: Tree, capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    capsys.readouterr()
    assert tree.tetrad("plan", *options, "--format", "json") == ExitCode.PASSED
    return json.loads(capsys.readouterr().out)


def test_nothing_moved_runs_nothing(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    plan = planned(tree, capsys, "--base", "main")

    assert (plan["stacks"][0]["note"], plan["stacks"][0]["suites"]) == ("no changes", [])


def test_a_removed_case_is_named(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    golden = (tree.root / "evals/feedback/golden.yaml").read_text()
    (tree.root / "evals/feedback/golden.yaml").write_text(golden[: golden.index("- id: irony")])

    plan = planned(tree, capsys, "--base", "main")

    suite = plan["stacks"][0]["suites"][0]
    assert (suite["removed"], suite["cases_to_run"], suite["unchanged"]) == (["irony"], [], 9)


def test_an_edited_case_runs(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.edit(
        "evals/feedback/golden.yaml",
        "value: negative}]\n- id: great-sound",
        "value: x}]\n- id: great-sound",
    )

    plan = planned(tree, capsys, "--base", "main")

    assert plan["stacks"][0]["suites"][0]["cases_to_run"] == [{"id": "wrong-size", "why": "edited"}]


def test_moving_a_case_within_its_file_runs_nothing(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(
        "evals/feedback/golden.yaml", "- id: soft-blanket", "\n# the softest\n- id: soft-blanket"
    )

    plan = planned(tree, capsys, "--base", "main")

    assert plan["stacks"][0]["changed"] == []


def test_another_model_runs_every_case(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.edit("stacks/models/scripted.yaml", "context_window: 8192", "context_window: 4096")

    plan = planned(tree, capsys, "--base", "main")

    assert plan["stacks"][0]["changed"] == ["model"]
    assert {c["why"] for c in plan["stacks"][0]["suites"][0]["cases_to_run"]} == {"all"}


def test_the_text_that_a_message_includes_is_shown_where_it_differs(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("prompts/feedback.yaml", "      Sentiment:", '      {% include "ask.md" %}')
    tree.write("prompts/ask.md", "Sentiment:\n")
    assert planned(tree, capsys, "--base", "main")["stacks"][0]["changed"] == []
    tree.commit()

    tree.write("prompts/ask.md", "How do they feel?\n")

    stack = planned(tree, capsys, "--base", "HEAD")["stacks"][0]
    assert stack["changed"] == ["prompt"]
    assert tree.tetrad("plan", "--base", "HEAD") == ExitCode.PASSED
    shown = capsys.readouterr().out
    assert "prompts/ask.md" in shown
    assert tree.tetrad("show", "feedback") == ExitCode.PASSED
    assert re.search(r"  include     [0-9a-f]{12}  prompts/ask.md\n", capsys.readouterr().out)


def test_a_new_stack_has_no_base_identity(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    stack = (tree.root / "stacks/feedback.yaml").read_text()
    (tree.root / "stacks/second.yaml").write_text(stack)
    tree.edit("evals/feedback/suite.yaml", "[stacks/feedback]", "[stacks/feedback, stacks/second]")

    plan = planned(tree, capsys, "second", "--base", "main")

    assert plan["stacks"][0]["base_identity"] is None
    assert len(plan["stacks"][0]["suites"][0]["cases_to_run"]) == 10


def test_a_stack_without_a_suite_says_that_nothing_judges_it(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = (tree.root / "stacks/feedback.yaml").read_text()
    (tree.root / "stacks/second.yaml").write_text(stack)

    plan = planned(tree, capsys, "second")

    assert plan["stacks"][0]["note"] == "no suite names this stack, so nothing judges it"


def test_settings_of_a_stack_are_a_part_of_their_own(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.append("stacks/feedback.yaml", "guardrails: {max_input_chars: 500}\n")

    plan = planned(tree, capsys, "--base", "main")

    assert plan["stacks"][0]["changed"] == ["settings"]


@pytest.mark.parametrize(
    ("path", "old", "new", "why"),
    [
        ("stacks/feedback.yaml", "max_steps: 3", "max_steps: 2", "settings"),
        ("stacks/feedback.yaml", "max_input_chars: 500", "max_input_chars: 900", "settings"),
        ("stacks/tools/clock.py", "'hour': 12", "'hour': 13", "tools"),
        ("stacks/tools/clock.yaml", "effect: read", "effect: write", "tools"),
        ("stacks/tools/clock.yaml", "version: 1", "version: 2", "tools"),
    ],
)
def test_what_is_done_with_an_answer_moves_every_case(
    path: str, old: str, new: str, why: str, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    add_clock(tree)
    tree.append(
        "stacks/feedback.yaml", "tool_loop: {max_steps: 3}\nguardrails: {max_input_chars: 500}\n"
    )
    tree.commit()
    tree.edit(path, old, new)

    plan = planned(tree, capsys, "--base", "main")

    suite = plan["stacks"][0]["suites"][0]
    assert {case["why"] for case in suite["cases_to_run"]} == {why}
    assert (len(suite["cases_to_run"]), suite["unchanged"]) == (10, 0)


def test_a_renamed_variable_is_foreseen_as_each_side_asks_it(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in ("prompts/feedback.yaml", "evals/feedback/golden.yaml"):
        text = (tree.root / path).read_text()
        (tree.root / path).write_text(
            text.replace("{review:", "{text:")
            .replace("  review: {", "  text: {")
            .replace("{{ review }}", "{{ text }}")
        )

    plan = planned(tree, capsys, "--base", "main")

    stack = plan["stacks"][0]
    assert {case["why"] for case in stack["suites"][0]["cases_to_run"]} == {"edited"}
    assert plan["estimate"]["calls"] == {"least": 10, "most": 10}
    assert [(by["suite"], by["cases"], by["unfit"]) for by in stack["by_base"]] == [
        ("evals/feedback", 10, [])
    ]
    assert [change["kind"] for change in plan["yardstick"]] == ["input"]


def test_cases_that_cannot_be_put_to_the_candidate_are_foreseen(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    golden = (tree.root / "evals/feedback/golden.yaml").read_text()
    (tree.root / "evals/feedback/golden.yaml").write_text(golden[: golden.index("- id: irony")])
    for path in ("prompts/feedback.yaml", "evals/feedback/golden.yaml"):
        text = (tree.root / path).read_text()
        text = text.replace("{review:", "{text:").replace("  review: {", "  text: {")
        (tree.root / path).write_text(text.replace("{{ review }}", "{{ text }}"))
    capsys.readouterr()

    tree.tetrad("plan", "--base", "main")

    said = capsys.readouterr().out
    assert "  by the base's yardstick: evals/feedback, 10 cases\n" in said
    assert "    cannot be put to the candidate, so they count as failing: irony\n" in said


def test_prices_give_a_cost(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.append("stacks/models/scripted.yaml", "prices: {input: 1, output: 2}\n")

    plan = planned(tree, capsys)

    estimate = plan["estimate"]
    tokens = estimate["input_tokens"]["most"]
    assert estimate["calls"] == {"least": 10, "most": 10}
    assert estimate["output_tokens"] == {"least": 0, "most": 80}
    assert tokens > 0
    expected = {"least": 0.0, "most": pytest.approx((tokens + 2 * 80) / 1_000_000)}
    assert estimate["cost_usd"] == expected  # without a tokenizer, the bytes are a bound


def test_the_text_says_what_runs_and_why(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.edit("prompts/feedback.yaml", "is it positive or negative?", "positive or negative?")
    capsys.readouterr()

    tree.tetrad("plan", "--base", "main")

    out = capsys.readouterr().out
    assert "  changed: prompt\n    prompts/feedback.yaml\n" in out
    assert "  evals/feedback: 10 of 10 cases affected\n    20 calls, " in out
    assert "    every request changes\n" in out


def test_the_text_names_the_cases_that_differ_and_why(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("evals/feedback/golden.yaml", "- id: irony\n", "- id: sarcasm\n")
    tree.edit("evals/feedback/golden.yaml", "leaks. Well done", "leaks. Well done, thank you")
    capsys.readouterr()

    tree.tetrad("plan", "--base", "main")

    out = capsys.readouterr().out
    assert "  evals/feedback: 1 of 10 cases affected\n" in out
    assert "    sarcasm: new case\n    removed: irony\n" in out


def test_a_diff_that_nobody_would_read_is_cut() -> None:
    after = "\n".join(str(n) for n in range(2 * MAX_DIFF_LINES))

    lines = unified(None, after, "x").splitlines()

    assert len(lines) == MAX_DIFF_LINES + 1
    assert lines[-1] == f"… {MAX_DIFF_LINES + 3} more lines"


def test_a_suite_that_judges_no_more_is_named(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.git("rm", "-r", "--quiet", "evals/feedback")

    plan = planned(tree, capsys, "--base", "main")

    stack = plan["stacks"][0]
    assert stack["changed"] == ["suite"]
    assert stack["note"] == ("no longer judged by evals/feedback: nothing judges it now")


def test_the_code_of_a_tool_is_named_where_it_moves(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    add_clock(tree)
    tree.commit()
    tree.edit("stacks/tools/clock.py", "12", "13")

    plan = planned(tree, capsys, "--base", "main")

    assert plan["stacks"][0]["changed"] == ["tools"]
    assert plan["stacks"][0]["files"] == ["stacks/tools/clock.py"]


def test_a_module_that_a_tool_imports_is_named_where_it_moves(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    add_clock(tree)
    (tree.root / "stacks/tools/zones.py").write_text("HOUR = 12\n")
    tree.edit("stacks/tools/clock.py", "def now", "from stacks.tools import zones\ndef now")
    tree.commit()
    tree.edit("stacks/tools/zones.py", "12", "13")

    plan = planned(tree, capsys, "--base", "main")

    assert plan["stacks"][0]["changed"] == ["tools"]
    assert plan["stacks"][0]["files"] == ["stacks/tools/zones.py"]


def test_a_module_that_an_assertion_imports_is_named_where_it_moves(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tree.root / "evals/feedback"
    (folder / "rules.py").write_text("def ok(output): return output == 'positive'\n")
    (folder / "check.py").write_text(
        "from rules import ok\ndef get_assert(output, context): return ok(output)\n"
    )
    tree.append(
        "evals/feedback/golden.yaml",
        "- id: code\n  vars: {review: Fine.}\n"
        '  assert: [{type: python, value: "file://check.py"}]\n',
    )
    tree.commit()
    (folder / "rules.py").write_text("def ok(output): return True\n")

    plan = planned(tree, capsys, "--base", "main")

    assert plan["stacks"][0]["changed"] == ["suite"]
    assert plan["stacks"][0]["files"] == ["evals/feedback/rules.py"]
    assert plan["stacks"][0]["suites"][0]["cases_to_run"] == [{"id": "code", "why": "edited"}]


def test_line_ends_of_a_checkout_move_nothing(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in tree.root.glob("*s/**/*.*"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    plan = planned(tree, capsys, "--base", "main")

    assert (plan["stacks"][0]["note"], plan["stacks"][0]["suites"]) == ("no changes", [])


def test_the_answers_of_a_script_are_shown_where_they_move(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(
        "stacks/models/scripted.answers.yaml",
        "{contains: So soft, output: positive}",
        "{contains: So soft, output: negative}",
    )

    plan = planned(tree, capsys, "--base", "main")

    stack = plan["stacks"][0]
    assert (stack["changed"], stack["files"]) == (
        ["model"],
        ["stacks/models/scripted.answers.yaml"],
    )


def test_every_file_that_a_prompt_is_made_of_is_shown_where_it_moves(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("prompts/feedback.yaml", "generation: {temperature: 0, max_tokens: 8, seed: 7}\n", "")
    tree.append("prompts/feedback.yaml", "extends: ./common\n")
    (tree.root / "prompts/common.yaml").write_text(
        "kind: prompt\ngeneration: {temperature: 0, max_tokens: 8}\n"
        "messages: [{role: user, content: Say hello.}]\n"
    )
    (tree.root / "prompts/task.md").write_text("Is the review positive or negative?\n")
    text = (tree.root / "prompts/feedback.yaml").read_text()
    first = text[text.index("    content: ") : text.index("  - role: user")]
    tree.edit("prompts/feedback.yaml", first, "    content: file://task.md\n")
    tree.commit()
    tree.edit("prompts/common.yaml", "max_tokens: 8", "max_tokens: 9")
    tree.append("prompts/task.md", "Answer with one word.\n")

    plan = planned(tree, capsys, "--base", "main")

    assert plan["stacks"][0]["changed"] == ["prompt"]
    assert plan["stacks"][0]["files"] == ["prompts/common.yaml", "prompts/task.md"]


def test_code_and_texts_of_a_golden_set_are_shown_where_they_move(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tree.root / "evals/feedback"
    (folder / "check.py").write_text("def get_assert(output, context):\n    return True\n")
    (folder / "long.txt").write_text("A very long review.\n")
    tree.append(
        "evals/feedback/golden.yaml",
        '- id: long\n  vars: {review: "file://long.txt"}\n'
        '  assert: [{type: python, value: "file://check.py"}]\n',
    )
    tree.commit()
    (folder / "check.py").write_text("def get_assert(output, context):\n    return False\n")
    (folder / "long.txt").write_text("Another very long review.\n")

    plan = planned(tree, capsys, "--base", "main")

    assert plan["stacks"][0]["files"] == ["evals/feedback/check.py", "evals/feedback/long.txt"]
