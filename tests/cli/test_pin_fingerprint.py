"""`tetrad pin` asks a vendor's model its probes, and writes the digest of the answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from probed import MODEL, PROBES, Vendor, probed_tree
from trees import Tree, initial_tree

from tetrad.canonical import digest_of
from tetrad.errors import ExitCode
from tetrad.loading.repositories import load_repository


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return probed_tree(tmp_path)


def written(tree: Tree) -> str:
    found = load_repository(tree.root).models["stacks/models/endpoint"].fingerprint
    assert found is not None
    return str(found.digest)


@pytest.mark.parametrize("named", [(), (MODEL,)])
def test_the_answers_to_the_probes_are_digested(
    tree: Tree, vendor: Vendor, named: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()

    assert tree.tetrad("pin", *(str(tree.root / name) for name in named)) == ExitCode.PASSED

    assert written(tree) == str(digest_of(["2", "2"]))
    assert capsys.readouterr().out == f"{MODEL}: fingerprint none → {digest_of(['2', '2'])}\n"
    assert [(a.body["temperature"], a.body["max_tokens"]) for a in vendor.asked] == [
        (0, 16),
        (0, 4),
    ]
    assert "# asked every night" in (tree.root / MODEL).read_text()


def test_a_model_that_answers_as_before_changes_nothing(
    tree: Tree, vendor: Vendor, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("pin")
    before = (tree.root / MODEL).read_bytes()
    capsys.readouterr()

    assert tree.tetrad("pin") == ExitCode.PASSED

    assert (tree.root / MODEL).read_bytes() == before
    assert capsys.readouterr().out == f"{MODEL}: fingerprint unchanged\n"
    vendor.word = "two"
    tree.tetrad("pin")
    assert written(tree) == str(digest_of(["two", "two"]))


def test_a_new_fingerprint_moves_no_identity(tree: Tree, vendor: Vendor) -> None:
    assert vendor.asked == []
    tree.tetrad("pin")

    assert tree.tetrad("lock", "--check") == ExitCode.PASSED


def test_a_repository_without_fingerprints_says_how_to_write_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = initial_tree(tmp_path, "--engine", "scripted")
    capsys.readouterr()

    assert tree.tetrad("pin") == ExitCode.PASSED  # as of a nightly job
    assert "no model has a fingerprint\n  help: " in capsys.readouterr().err


def test_a_probe_without_a_prompt_is_an_error_with_its_line(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.write(PROBES, '{"prompt": "1 + 1 ="}\n{"question": "?"}\n')
    capsys.readouterr()

    assert tree.tetrad("pin") == ExitCode.MISUSE
    assert "stacks/models/probes.jsonl:2:1" in capsys.readouterr().err
