"""What a gate leaves in the ledger, on SQLite and on PostgreSQL."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from postgres import postgres as postgres  # noqa: PLC0414 - a fixture
from postgres import schema
from trees import Tree, scripted_tree

from tetrad.answers import answers_path
from tetrad.identity import identity_of
from tetrad.loading.repositories import load_repository
from tetrad.registry import Place, open_ledger, registry_place

PROMPT = "prompts/feedback.yaml"


@pytest.fixture
def tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tree:
    made = scripted_tree(tmp_path / "repository")
    capsys.readouterr()
    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    if request.param == "sqlite":
        yield registry_place(tree.root)
        return
    with schema(request.getfixturevalue("postgres")) as url:
        monkeypatch.setenv("TETRAD_REGISTRY", url)
        yield registry_place(tree.root)


def happened(place: Place) -> list[tuple[str, Any]]:
    """The kind of each entry, with what it says."""
    with open_ledger(place) as ledger:
        assert ledger.verify() == []
        found = [(entry.kind, ledger.content(entry.content) or b"") for entry in ledger.entries()]
    return [
        (
            kind,
            [json.loads(line) for line in said.splitlines()]
            if kind == "results"
            else json.loads(said),
        )
        for kind, said in found
    ]


def test_a_first_gate_notes_the_identity_the_run_and_the_decision(tree: Tree, place: Place) -> None:
    assert tree.tetrad("gate") == 0

    identity = identity_of(load_repository(tree.root).stacks["stacks/feedback"])
    with open_ledger(place) as ledger:
        entries = list(ledger.entries(stack="stacks/feedback", identity=identity))
        document = ledger.content(entries[0].content) or b""
    assert [entry.kind for entry in entries] == ["identity", "results", "run", "decision"]
    assert hashlib.sha256(document).hexdigest() == identity.hex == entries[0].content.hex

    (_, results), (_, run), (_, decision) = happened(place)[1:]
    assert [set(case) for case in results] == [{"id", "passed", "missing", "metrics"}] * 10
    assert run["cases"] == {"total": 10, "passed": 10, "missing": 0}
    assert run["metrics"] == {"answer": 1.0}
    assert run["results"] == str(entries[1].content)
    assert run["build"].startswith("tetrad scripted-engine")
    assert run["preview"] is True
    (suite,) = decision["suites"]
    assert (suite["suite"], suite["digest"], suite["decision"]) == (
        run["suite"],
        run["suite_digest"],
        "PASSED",
    )
    assert suite["requirements"][0]["value"] == 1.0


def test_a_second_gate_of_the_same_notes_that_it_ran_again(tree: Tree, place: Place) -> None:
    tree.tetrad("gate")
    tree.tetrad("gate")

    kinds = [kind for kind, _ in happened(place)]
    assert kinds == ["identity", "results", "run", "decision", "run", "decision"]


def test_a_comparison_notes_both_sides_and_decides_about_the_candidate(
    tree: Tree, place: Place
) -> None:
    tree.edit(PROMPT, "Sort each customer review", "Judge each customer review")
    tree.tetrad("gate", "--base", "main")

    kinds = [kind for kind, _ in happened(place)]
    assert [kinds.count(kind) for kind in ("identity", "run", "decision")] == [2, 2, 1]
    ((_, decision),) = [said for said in happened(place) if said[0] == "decision"]
    head = identity_of(load_repository(tree.root).stacks["stacks/feedback"])
    with open_ledger(place) as ledger:
        assert [entry.identity for entry in ledger.entries(kind="decision")] == [head]
    assert decision["base_identity"] != f"tetrad:{head.hex}"
    assert decision["base"] == tree.git("rev-parse", "main").strip()
    assert decision["dirty"] is True


def test_a_gate_with_nothing_to_execute_leaves_no_ledger(tree: Tree) -> None:
    assert tree.tetrad("gate", "--base", "main") == 0

    assert not (tree.root / ".tetrad" / "registry.db").exists()


def test_nothing_is_asked_where_it_cannot_be_noted(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TETRAD_REGISTRY", "postgresql://ci@127.0.0.1:1/tetrad")

    assert tree.tetrad("gate") == 3

    assert "postgresql://ci@127.0.0.1:1/tetrad: " in capsys.readouterr().err
    with closing(sqlite3.connect(answers_path(tree.root))) as connection:
        assert connection.execute("SELECT count(*) FROM answers").fetchone() == (0,)


def test_nothing_that_happened_is_lost_with_the_cache(tree: Tree, place: Place) -> None:
    tree.tetrad("gate")
    before = happened(place)
    answers_path(tree.root).unlink()

    tree.tetrad("gate")

    assert happened(place)[: len(before)] == before


@pytest.mark.parametrize(
    "command", [["lint"], ["plan", "--base", "main"], ["show", "feedback"], ["eval"]]
)
def test_only_what_opens_the_ledger_imports_its_libraries(tree: Tree, command: list[str]) -> None:
    tree.edit(PROMPT, "Sort each customer review", "Judge each customer review")
    code = (
        "import sys\nfrom tetrad.cli import main\n"
        "main(sys.argv[1:])\nprint('modules:', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "-C", str(tree.root), *command],
        capture_output=True,
        text=True,
        check=True,
    )

    imported = set(done.stdout.partition("modules:")[2].split())
    assert "tetrad" in imported
    assert {"sqlalchemy", "alembic", "psycopg"}.isdisjoint(imported)
