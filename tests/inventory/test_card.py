"""Cards: what they say of a stack, which scores they show, and that nothing in them is active."""

from __future__ import annotations

from pathlib import Path

import pytest
from goldens import check_golden
from inventory.systems import HOSTILE, write_system
from trees import Tree, scripted_tree

from tetrad.cli import main
from tetrad.errors import ExitCode


def card(root: Path, name: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["--root", str(root), "card", name]) == ExitCode.PASSED
    return capsys.readouterr().out


def test_the_card_of_a_stack_with_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = card(write_system(tmp_path), "desk", capsys)

    check_golden(Path(__file__).with_name("desk.card.md"), text)


@pytest.fixture
def gated(tmp_path: Path) -> Tree:
    """A repository whose gate has run."""
    tree = scripted_tree(tmp_path / "repository")
    assert tree.tetrad("gate") == ExitCode.PASSED
    return tree


@pytest.mark.parametrize("absent", [".tetrad/report.json", ".tetrad/registry.db"])
def test_scores_are_those_of_the_registry_or_of_the_last_gate(
    absent: str, gated: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    (gated.root / absent).unlink()

    text = card(gated.root, "feedback", capsys)

    assert f"**PASSED** at `{gated.git('rev-parse', '--short=12', 'HEAD').strip()}` on `20" in text
    assert "| requirement | value | required | 95 % interval | n |" in text
    assert "A preview, never evidence: scripted answered." in text
    assert "Not evaluated" not in text


def test_the_scores_of_another_identity_are_not_shown(
    gated: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    gated.edit("prompts/feedback.yaml", "role: user", "role: system")

    assert "Not evaluated: no gate has decided about this" in card(gated.root, "feedback", capsys)
    assert "**PASSED**" in card(gated.root, "feedback@HEAD", capsys)


def test_scores_of_an_identity_of_before_come_from_the_registry(
    gated: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    gated.edit("prompts/feedback.yaml", "role: user", "role: system")
    gated.tetrad("gate")  # its report is about another identity

    text = card(gated.root, "feedback@HEAD", capsys)

    assert f"**PASSED** at `{gated.git('rev-parse', '--short=12', 'HEAD').strip()}` on `20" in text


def test_the_scores_of_another_suite_are_not_shown(
    gated: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    gated.append("evals/feedback/golden.yaml", "- {id: more, vars: {review: a}, assert: []}\n")

    assert "Not evaluated" in card(gated.root, "feedback", capsys)


def test_a_report_that_was_committed_is_not_trusted(
    gated: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    gated.git("add", "--force", ".tetrad/report.json")
    gated.commit()

    assert gated.tetrad("card", "feedback") == ExitCode.MISUSE
    assert ".tetrad/report.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "old"),
    [
        ("stacks/desk.yaml", "Answers at the desk."),
        ("stacks/models/large.yaml", "It makes things up."),
        ("stacks/models/large.yaml", "Community License 1.0"),
        ("stacks/tools/orders.yaml", "Cancel an order."),
        ("evals/desk/suite.yaml", "Are the answers right?"),
        ("prompts/desk.yaml", "What is asked."),
    ],
)
def test_hostile_text_is_not_active(
    path: str, old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_system(tmp_path)
    text = (root / path).read_text()
    assert text.count(old) == 1
    (root / path).write_text(text.replace(old, f'"{HOSTILE}"'))
    shown = card(root, "desk", capsys)
    line = next(line for line in shown.splitlines() if "img src" in line)

    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "<U+202E>" in line
    assert "##[" not in shown
    assert not any(line.startswith("::") for line in shown.splitlines())
    before = line[: line.index("<img")]
    assert "`" in before  # in a code span, which nothing in the text ends
    assert line.count("````") == 2
