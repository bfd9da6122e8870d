"""What a sparse checkout leaves out is not removed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from trees import Tree, scripted_tree

from tetrad.errors import ExitCode


@pytest.fixture
def sparse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tree:
    """A clone in which only prompts/ and stacks/ are checked out, on a branch of its own."""
    made = scripted_tree(tmp_path / "repository")
    subprocess.run(["git", "clone", "--quiet", str(made.root), str(tmp_path / "clone")], check=True)
    clone = Tree(tmp_path / "clone")
    clone.git("switch", "--quiet", "--create", "change")
    clone.git("sparse-checkout", "set", "prompts", "stacks")
    capsys.readouterr()
    return clone


SAID = (
    "this is a sparse checkout without evals/feedback/golden.yaml, evals/feedback/suite.yaml\n"
    "  help: git sparse-checkout add FOLDER, or git sparse-checkout disable\n"
)


@pytest.mark.parametrize("command", [["gate", "--base", "main"], ["gate"], ["plan"], ["lock"]])
def test_a_system_without_its_suites_is_neither_judged_nor_locked(
    sparse: Tree, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    lock = (sparse.root / "stacks" / "feedback.lock").read_bytes()

    assert sparse.tetrad(*command) == ExitCode.MISUSE

    assert capsys.readouterr().err == SAID
    assert (sparse.root / "stacks" / "feedback.lock").read_bytes() == lock


def test_lint_says_what_it_does_not_see(sparse: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    sparse.tetrad("lint")

    assert capsys.readouterr().err.startswith(SAID)


@pytest.mark.parametrize("how", ["add", "disable"])
def test_the_advice_helps(sparse: Tree, how: str) -> None:
    sparse.git("sparse-checkout", *(["add", "evals"] if how == "add" else ["disable"]))

    assert sparse.tetrad("gate", "--base", "main") == ExitCode.PASSED


def test_what_is_left_out_elsewhere_is_no_matter(sparse: Tree) -> None:
    sparse.git("sparse-checkout", "disable")
    (sparse.root / "docs").mkdir()
    (sparse.root / "docs" / "a.md").touch()
    sparse.commit()
    sparse.git("sparse-checkout", "set", "prompts", "stacks", "evals")

    assert not (sparse.root / "docs").exists()
    assert sparse.tetrad("gate", "--base", "main") == ExitCode.PASSED


def test_a_linked_working_tree_has_a_sparse_checkout_of_its_own(
    sparse: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sparse.git("sparse-checkout", "disable")
    sparse.git("worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "other")
    linked = Tree(tmp_path / "linked")
    linked.git("sparse-checkout", "set", "prompts", "stacks")
    capsys.readouterr()

    assert linked.tetrad("plan", "--base", "main") == ExitCode.MISUSE
    assert capsys.readouterr().err == SAID
    assert sparse.tetrad("plan", "--base", "main") == ExitCode.PASSED


def test_a_file_that_is_removed_is_removed(
    sparse: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    sparse.git("sparse-checkout", "disable")
    (sparse.root / "evals" / "feedback" / "suite.yaml").unlink()

    sparse.tetrad("gate", "--base", "main")

    assert "evals/feedback is removed" in capsys.readouterr().out


def test_documents_that_are_left_out_are_not_removed(
    sparse: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    sparse.git("sparse-checkout", "disable")
    digest = "0" * 64
    for file, text in {
        "handbook/a.md": "a",
        "handbook/more/b.md": "b",
        "stacks/models/m.yaml": f'kind: model\nsource: file://weights\nfiles: {{model.safetensors: "sha256:{digest}"}}\nengine: {{torch: {{}}}}\ncontext_window: 256\n',
        "stacks/corpora/c.yaml": "kind: corpus\ndocuments: {path: handbook}\nembedding: stacks/models/m\n",
    }.items():
        (sparse.root / file).parent.mkdir(parents=True, exist_ok=True)
        (sparse.root / file).write_text(text)
    sparse.commit()
    sparse.git("sparse-checkout", "set", "prompts", "stacks", "evals", "infra")
    sparse.git("sparse-checkout", "add", "--skip-checks", "handbook/a.md")
    (sparse.root / "handbook").mkdir(exist_ok=True)
    (sparse.root / "handbook" / "a.md").write_text("a")
    capsys.readouterr()

    assert sparse.tetrad("plan", "--base", "main") == ExitCode.MISUSE
    assert "sparse checkout without handbook/more/b.md" in capsys.readouterr().err
