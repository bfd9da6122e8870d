"""What `tetrad diff` shows of two identities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from goldens import check_golden
from inventory.systems import HOSTILE, write_system
from trees import Tree, scripted_tree

from tetrad.cli import main
from tetrad.errors import ExitCode


@pytest.fixture
def desk(tmp_path: Path) -> Tree:
    """A committed stack with everything, of which every part was edited since."""
    tree = Tree(write_system(tmp_path / "repository"))
    tree.git("init", "--quiet", "--initial-branch", "main")
    tree.commit()
    tree.edit("prompts/parts/rules.md", "Be brief.", "Be kind.")
    tree.edit("stacks/models/large.yaml", "context_window: 8192", "context_window: 4096")
    tree.write("stacks/corpora/book/b.md", "B, again.\n")
    tree.write("stacks/corpora/book/c.md", "C.\n")
    tree.write("stacks/tools/zones.py", "HOUR = 1\n")
    tree.edit("stacks/desk.yaml", "max_input_chars: 400", "max_input_chars: 300")
    tree.append("stacks/models/embedder.yaml", "description: Embeds.\n")
    return tree


def shown(root: Path, *arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["--root", str(root), "diff", *arguments]) == ExitCode.PASSED
    return capsys.readouterr().out


def test_every_part_is_shown_with_its_files(desk: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(desk.root, "desk@main", "desk", capsys=capsys)
    commit = desk.git("rev-parse", "HEAD")[:12]

    check_golden(Path(__file__).with_name("desk.diff.txt"), text.replace(commit, "COMMIT"))


def test_json_says_the_same(desk: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(desk.root, "desk@main", "desk", "--format", "json", capsys=capsys)
    document: Any = json.loads(text)

    assert [part["part"] for part in document["parts"]] == [
        "prompt", "model", "corpus", "tools", "settings",
    ]  # fmt: skip
    assert [file["path"] for part in document["parts"] for file in part["files"]] == [
        "prompts/parts/rules.md",
        "stacks/models/embedder.yaml",
        "stacks/models/large.yaml",
        "stacks/corpora/book/b.md",
        "stacks/corpora/book/c.md",
        "stacks/models/embedder.yaml",
        "stacks/tools/zones.py",
        "stacks/desk.yaml",
    ]
    assert document["other_files"] == []
    assert document["before"]["commit"] == desk.git("rev-parse", "HEAD").strip()
    assert document["after"]["commit"] is None
    assert all(part["before"] != part["after"] for part in document["parts"])


def test_one_identity_has_no_differences(desk: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    desk.restore()
    desk.git("clean", "--force", "--quiet")
    desk.append("stacks/models/embedder.yaml", "description: Embeds.\n")
    text = shown(desk.root, "desk@main", "stacks/desk", capsys=capsys)

    assert "no differences: both have the same identity\n" in text
    assert "differ without effect on the identity:\n  stacks/models/embedder.yaml\n" in text


@pytest.fixture
def gated(tmp_path: Path) -> Tree:
    """A scripted stack whose change was gated against main."""
    tree = scripted_tree(tmp_path / "repository")
    tree.edit("prompts/feedback.yaml", "role: user", "role: system")
    tree.tetrad("gate", "--base", "main")
    return tree


SCORES = [
    "scores                  before   after  change",
    "evals/feedback  answer    1.00    1.00    0.00  preview before and after",
]


@pytest.mark.parametrize("absent", [".tetrad/report.json", ".tetrad/registry.db"])
def test_scores_of_both_sides_come_from_the_registry_or_the_last_report(
    absent: str, gated: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    (gated.root / absent).unlink()

    text = shown(gated.root, "feedback@main", "feedback", capsys=capsys)

    assert text.splitlines()[-2:] == SCORES


def test_scores_are_told_to_programs(gated: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(gated.root, "feedback", "feedback@main", "--format", "json", capsys=capsys)
    (score,) = json.loads(text)["scores"]

    assert (score["suite"], score["metric"], score["change"]) == ("evals/feedback", "answer", 0.0)
    assert score["before"] == score["after"]
    assert score["before"]["mean"] == 1.0


def test_a_score_that_is_not_known_is_no_zero(
    gated: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    gated.edit("prompts/feedback.yaml", "temperature: 0", "temperature: 0.5")

    text = shown(gated.root, "feedback@main", "feedback", capsys=capsys)

    assert text.splitlines()[-1].split() == ["evals/feedback", "answer", "1.00", "–"]


def test_scores_of_two_golden_sets_are_not_subtracted(
    gated: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    gated.edit("prompts/feedback.yaml", "temperature: 0", "temperature: 0.5")
    golden = (gated.root / "evals/feedback/golden.yaml").read_text()
    first = golden.index("\n- ")
    gated.write(
        "evals/feedback/golden.yaml", golden[:first] + golden[golden.index("\n- ", first + 1) :]
    )
    gated.tetrad("gate")

    text = shown(gated.root, "feedback@main", "feedback", capsys=capsys)

    assert text.splitlines()[-1].endswith("1.00    1.00    the suite differs")


def test_looking_makes_no_registry(desk: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(desk.root, "desk@main", "desk", capsys=capsys)

    assert "no scores: no gate has evaluated either of them" in text
    assert not (desk.root / ".tetrad").exists()


def test_hostile_text_is_not_active(desk: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = json.loads(f'"{HOSTILE}"')
    desk.write("prompts/parts/rules.md", f"{hostile}\n")
    text = shown(desk.root, "desk@main", "desk", capsys=capsys)
    written = shown(desk.root, "desk@main", "desk", "--format", "json", capsys=capsys)

    assert "+<img src=x" in text
    for output in (text, written):
        assert not {"\x1b", "\x07", "\u202e"} & set(output)
        assert "##[" not in output
        assert not any(line.startswith("::") for line in output.splitlines())
