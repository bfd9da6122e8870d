"""`tetrad registry`: what happened is checked, exported and erased, on SQLite and on PostgreSQL."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import signing as s
from postgres import postgres as postgres  # noqa: PLC0414 - a fixture
from postgres import schema
from trees import Tree

from tetrad.canonical import Digest, digest_bytes
from tetrad.evidence.statements import LedgerHead
from tetrad.registry import Place, PostgresAddress, open_ledger, registry_place


@pytest.fixture(params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest,
    tree: Tree,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Place]:
    """Where the registry is after one gate."""
    if request.param == "sqlite":
        tree.tetrad("gate")
        capsys.readouterr()
        yield registry_place(tree.root)
        return
    with schema(request.getfixturevalue("postgres")) as url:
        monkeypatch.setenv("TETRAD_REGISTRY", url)
        tree.tetrad("gate")
        capsys.readouterr()
        yield registry_place(tree.root)


def exported(tree: Tree, capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert tree.tetrad("registry", "export", *options) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def change(place: Place, statement: str, trigger: str = "deleted") -> None:
    if isinstance(place, PostgresAddress):
        with psycopg.connect(place.url, autocommit=True) as postgres:
            postgres.execute("DROP TRIGGER ledger_entries_append_only ON ledger_entries")
            postgres.execute(statement.encode())
    else:
        with closing(sqlite3.connect(place, isolation_level=None)) as connection:
            connection.execute(f"DROP TRIGGER ledger_entries_{trigger}")
            connection.execute(statement)


def test_a_sound_registry_is_said_to_be_whole_with_its_head(
    tree: Tree, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.tetrad("registry", "verify") == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith(": 4 entries, intact")
    with open_ledger(place) as ledger:
        head = ledger.head()
    assert head is not None
    assert second == f"head 4:{head.digest}"
    assert tree.tetrad("registry", "verify", "--head", second.removeprefix("head ")) == 0


def test_an_entry_that_was_removed_is_named(
    tree: Tree, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    change(place, "DELETE FROM ledger_entries WHERE number = 2")

    assert tree.tetrad("registry", "verify") == 1

    told = capsys.readouterr()
    assert told.out.splitlines()[0].endswith(": 1 fault")
    assert told.out.splitlines()[1:] == ["  entry 2 is missing"]
    assert "help: restore a backup" in told.err


def test_an_older_copy_is_found_by_a_head_that_was_noted(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("gate")
    registry = tree.root / ".tetrad" / "registry.db"
    backup = shutil.copy(registry, tree.root.parent / "backup.db")
    tree.tetrad("gate")
    capsys.readouterr()
    tree.tetrad("registry", "verify")
    head = capsys.readouterr().out.splitlines()[1].removeprefix("head ")
    for file in registry.parent.glob("registry.db*"):
        file.unlink()
    shutil.copy(backup, registry)

    assert tree.tetrad("registry", "verify") == 0
    assert tree.tetrad("registry", "verify", "--head", head) == 1

    assert "ledger ends with entry 4, but entry 6 was signed" in capsys.readouterr().out


@pytest.mark.parametrize("page", [0, 2])  # the schema, and the root of the entries
def test_a_file_that_is_too_damaged_to_verify_is_told_once(
    page: int, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("gate")
    registry = tree.root / ".tetrad" / "registry.db"
    for log in registry.parent.glob("registry.db-*"):
        log.unlink()
    with registry.open("r+b") as file:
        file.seek(page * 4096 + (100 if page == 0 else 0))
        file.write(b"\xff" * 2000)
    capsys.readouterr()

    code = tree.tetrad("registry", "verify")

    told = capsys.readouterr()
    assert code in {1, 2}
    assert "damaged" in told.out + told.err
    assert "tetrad registry verify" not in told.err
    assert "restore a backup" in told.err


def test_everything_that_happened_is_exported(
    tree: Tree, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_ledger(place) as ledger:
        ledger.append("evidence", environment="production", content=b"\xff\x00")
        ledger.append("approval", content="\u202ehidden".encode())

    lines = exported(tree, capsys)

    assert [line["kind"] for line in lines] == [
        "identity", "results", "run", "decision", "evidence", "approval",
    ]  # fmt: skip
    assert all(
        line["content"] == str(digest_bytes(line["text"].encode()))
        for line in lines
        if "text" in line
    )
    assert lines[4]["environment"] == "production"
    assert base64.b64decode(lines[4]["base64"]) == b"\xff\x00"
    assert [line["previous"] for line in lines[1:]] == [line["digest"] for line in lines[:-1]]
    tree.tetrad("registry", "export")
    assert "\\u202ehidden" in capsys.readouterr().out


def test_an_export_begins_at_a_date(
    tree: Tree, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(exported(tree, capsys, "--since", "2020-01-01")) == 4
    assert exported(tree, capsys, "--since", "2120-01-01T00:00:00+02:00") == []


def test_an_identitys_contents_are_erased_but_for_what_was_signed(
    tree: Tree, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_ledger(place) as ledger:
        identity = next(ledger.entries()).identity
        assert identity is not None
        ledger.append("evidence", identity=identity, content=b"signed")

    code = tree.tetrad(
        "registry", "erase", f"tetrad:{identity.hex}", "--reason", "asked for by a customer"
    )

    told = capsys.readouterr()
    assert code == 0
    assert len(told.out.splitlines()) == 4
    assert told.err == "4 contents erased\n"
    lines = exported(tree, capsys)
    assert [line.get("erased", False) for line in lines] == [True] * 4 + [False] * 2
    assert json.loads(lines[-1]["text"])["reason"] == "asked for by a customer"
    assert tree.tetrad("registry", "verify") == 0


def test_one_content_is_erased_by_its_digest(
    tree: Tree, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    results = exported(tree, capsys)[1]["content"]

    assert tree.tetrad("registry", "erase", results) == 0

    assert [line.get("erased", False) for line in exported(tree, capsys)] == [
        False, True, False, False, False,
    ]  # fmt: skip
    assert tree.tetrad("registry", "erase", results) == 2
    assert "nothing to erase" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["verify"], "no registry\n  help: `tetrad gate` creates it"),
        (["erase", "sha256:0"], "no registry\n"),
        (["verify", "--head", "12"], "--head: '12' is not a head like 12:sha256:…"),
        (["export", "--since", "yesterday"], "--since: 'yesterday' is not a date"),
        ([], "missing: ACTION"),
        (["verifi"], "did you mean verify?"),
    ],
)
def test_misuse_is_told_in_one_message(
    tree: Tree, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert tree.tetrad("registry", *arguments) == 2

    assert told in capsys.readouterr().err
    assert not (tree.root / ".tetrad" / "registry.db").exists()


def test_what_is_no_digest_is_not_erased(
    tree: Tree, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.tetrad("registry", "erase", "feedback") == 2

    assert "'feedback' is not a digest\n  help: tetrad: or sha256:" in capsys.readouterr().err


def test_a_registry_that_a_commit_brings_is_refused(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("gate")
    tree.git("add", "--force", ".tetrad/registry.db")

    assert tree.tetrad("registry", "verify") == 2
    assert "registry.db is committed" in capsys.readouterr().err


CHANGED = {
    "an entry": (
        "UPDATE ledger_entries SET stack = 'stacks/b' WHERE number = 3",
        ["  entry 3 is not what was appended: its digest differs"],
    ),
    "the first entry": (
        "UPDATE ledger_entries SET stack = 'stacks/b' WHERE number = 1",
        ["  entry 1 is not what was appended: its digest differs"],
    ),
    "two entries": (
        "UPDATE ledger_entries SET kind = 'run' WHERE number IN (2, 4)",
        [
            "  entry 2 is not what was appended: its digest differs",
            "  entry 4 is not what was appended: its digest differs",
        ],
    ),
}


@pytest.mark.parametrize("what", CHANGED)
def test_every_entry_that_was_changed_is_named(
    tree: Tree, place: Place, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    statement, expected = CHANGED[what]
    change(place, statement, "updated")

    assert tree.tetrad("registry", "verify") == 1

    told = capsys.readouterr()
    assert told.out.splitlines()[1:] == expected
    assert "help: restore a backup; docs/registry.md says how" in told.err


def test_a_registry_that_was_rewritten_from_its_first_entry_on_is_another_one_by_its_heads(
    tree: Tree, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    other = LedgerHead(first=digest_bytes(b"1"), number=7, digest=digest_bytes(b"7"))
    with open_ledger(place) as ledger:
        first, head = ledger.first_digest, ledger.head()
        assert first is not None
        assert head is not None
        own = replace(other, first=Digest.parse(first), number=4, digest=head.digest)
        for signed in (other, own):
            ledger.append("evidence", content=s.signed(s.evaluation(ledger=signed), "ci"))

    assert tree.tetrad("registry", "verify") == 0

    *_, last = capsys.readouterr().out.splitlines()
    digest = digest_bytes(b"7")
    assert last == f"1 signed head of registries with another first entry, the last 7:{digest}"
