"""The public interface, as a notebook or the infrastructure program uses it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from docs.walkthrough import blocks
from trees import Tree, scripted_tree

import tetrad

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return scripted_tree(tmp_path)


def test_every_public_name_is_there() -> None:
    assert [name for name in tetrad.__all__ if not hasattr(tetrad, name)] == []


def test_importing_it_loads_none_of_its_modules() -> None:
    code = "import sys, tetrad; print([m for m in sys.modules if m.startswith('tetrad.')])"

    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "[]\n"
    )


def test_the_identity_is_the_one_in_the_lock(tree: Tree) -> None:
    stack = tetrad.load_repository(str(tree.root)).stacks["stacks/feedback"]

    assert (
        f"identity: {tetrad.identity_of(stack)}\n"
        in (tree.root / "stacks/feedback.lock").read_text()
    )


def test_files_that_do_not_load_are_told_with_their_places(tree: Tree) -> None:
    tree.append("stacks/feedback.yaml", "promt: x\n")

    with pytest.raises(tetrad.SpecError) as caught:
        tetrad.load_repository(tree.root)

    assert [issue.location.file for issue in caught.value.issues] == ["stacks/feedback.yaml"]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(tetrad.UsageError, match="is not a folder"):
        tetrad.load_repository(tmp_path / "missing")


@pytest.mark.parametrize("content", [None, b"\xff", b"{}"])
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "report.json"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(tetrad.UsageError, match="tetrad gate"):
        tetrad.read_report(file)


def test_the_page_runs_as_it_stands(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.tetrad("gate") == 0
    monkeypatch.chdir(tree.root)
    capsys.readouterr()

    for block in blocks((ROOT / "docs" / "python.md").read_text(encoding="utf-8")):
        exec(block.text, {})

    said = capsys.readouterr().out
    assert "stacks/feedback tetrad:" in said
    assert "PASSED" in said
