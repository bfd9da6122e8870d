"""A file where Tetrad keeps a folder, or a folder where it keeps a file, is told and no bug."""

from __future__ import annotations

import pytest
from trees import Tree

from tetrad.errors import ExitCode

ALL = ("gate", "plan", "eval", "report", "attest")


def put(tree: Tree, place: str, *, committed: bool) -> None:
    (tree.root / place).parent.mkdir(parents=True, exist_ok=True)
    (tree.root / place).write_text("x")
    if committed:
        tree.git("add", "--force", place)
        tree.git("commit", "--quiet", "--message", "Change")


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("command", ALL)
def test_a_file_for_the_folder_of_what_is_kept_is_misuse(
    tree: Tree, capsys: pytest.CaptureFixture[str], command: str, committed: bool
) -> None:
    put(tree, ".tetrad", committed=committed)

    assert tree.tetrad(command) == ExitCode.MISUSE
    assert ".tetrad" in capsys.readouterr().err


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("name", ["report.json", "report.html", "answers.db", "registry.db"])
def test_a_folder_for_a_file_that_a_gate_writes_is_misuse(
    tree: Tree, capsys: pytest.CaptureFixture[str], name: str, committed: bool
) -> None:
    put(tree, f".tetrad/{name}/x", committed=committed)

    assert tree.tetrad("gate") == ExitCode.MISUSE
    assert f".tetrad/{name}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (".tetrad", ".tetrad is a file, and `tetrad gate` keeps a folder there\n  help: rm -r .tetrad;"),
        (".tetrad/report.json/x", ".tetrad/report.json is a folder, and `tetrad gate` keeps a file there\n"),
    ],
)  # fmt: skip
def test_a_gate_says_what_is_in_its_way(
    tree: Tree, capsys: pytest.CaptureFixture[str], place: str, told: str
) -> None:
    put(tree, place, committed=False)
    tree.tetrad("gate")

    assert told in capsys.readouterr().err


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_a_folder_for_a_lock_is_misuse(
    tree: Tree, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    (tree.root / "stacks/feedback.lock").unlink(missing_ok=True)
    put(tree, "stacks/feedback.lock/x", committed=False)

    assert tree.tetrad("lock", *options) == ExitCode.MISUSE
    assert "stacks/feedback.lock: Is a directory" in capsys.readouterr().err
