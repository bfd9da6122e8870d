"""Runs that a tetrad from before the ledger noted are not lost: each becomes an entry."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tetrad.answers import Answers, KeptRuns
from tetrad.canonical import digest_of
from tetrad.registry import open_ledger

IDENTITY, GOLDEN = digest_of("identity"), digest_of("golden")
# As the versions 1 to 3 made them.
ANSWERS = {
    1: "CREATE TABLE answers (model BLOB, request BLOB, completion BLOB, digest BLOB, created INTEGER);",
    2: """
        CREATE TABLE builds (digest BLOB PRIMARY KEY, build TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE answers (
            model BLOB NOT NULL, request BLOB NOT NULL, build BLOB NOT NULL,
            completion BLOB NOT NULL, digest BLOB NOT NULL, created INTEGER NOT NULL,
            UNIQUE (model, request, build)
        );""",
    3: "",
}
RUNS = """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, suite TEXT NOT NULL, stack TEXT NOT NULL,
        identity BLOB NOT NULL, golden BLOB NOT NULL, engine TEXT NOT NULL, started REAL NOT NULL,
        finished REAL, made INTEGER NOT NULL DEFAULT 0, cached INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX runs_of_a_subject ON runs (suite, stack, identity);
    CREATE TABLE results (
        run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, position INTEGER NOT NULL,
        "case" TEXT NOT NULL, outcome BLOB NOT NULL, PRIMARY KEY (run, position)
    );
    INSERT INTO runs (suite, stack, identity, golden, engine, started, finished, made, cached)
    VALUES
        ('evals/a', 'stacks/a', :identity, :golden, 'scripted', 1800000000, 1800000002.5, 1, 4),
        ('evals/b', 'stacks/a', :identity, :golden, 'torch cpu', 1800000100, NULL, 0, 0);
    INSERT INTO results VALUES (1, 0, 'a', '{}');
    PRAGMA application_id = 0x74657472;"""


def earlier(path: Path, version: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    script = ANSWERS[version] + RUNS + f"PRAGMA user_version = {version};"
    for name, digest in (("identity", IDENTITY), ("golden", GOLDEN)):
        script = script.replace(f":{name}", f"x'{digest.hex}'")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return {name for (name,) in rows if not name.startswith("sqlite_")}


@pytest.mark.parametrize("version", [1, 2, 3])
def test_earlier_runs_become_entries(tmp_path: Path, version: int) -> None:
    path = earlier(tmp_path / "registry.db", version)
    with open_ledger(path) as ledger:
        entries = list(ledger.entries())
        contents = [ledger.content(entry.content) or b"" for entry in entries]
        assert ledger.verify() == []

    assert [(e.kind, e.stack, e.identity) for e in entries] == [("run", "stacks/a", IDENTITY)] * 2
    assert [json.loads(content) for content in contents] == [
        {
            "kind": "earlier-run",
            "version": 1,
            "suite": "evals/a",
            "golden": str(GOLDEN),
            "engine": "scripted",
            "started": "2027-01-15T08:00:00.000000Z",
            "finished": "2027-01-15T08:00:02.500000Z",
            "calls": {"made": 1, "cached": 4},
        },
        {
            "kind": "earlier-run",
            "version": 1,
            "suite": "evals/b",
            "golden": str(GOLDEN),
            "engine": "torch cpu",
            "started": "2027-01-15T08:01:40.000000Z",
            "finished": None,
            "calls": {"made": 0, "cached": 0},
        },
    ]
    left = {"answers", "builds"} if version == 2 else set()
    ours = {"gateways", "ledger_contents", "ledger_entries", "ledger_version"}
    ours |= {"confirmations", "live_answers", "live_feedback", "spending"}
    assert tables(path) == left | ours


@pytest.mark.parametrize("first", ["ledger", "answers"])
def test_nothing_is_lost_whichever_is_opened_first(tmp_path: Path, first: str) -> None:
    path = earlier(tmp_path / "registry.db", 3)
    if first == "ledger":
        open_ledger(path).close()
    Answers.open(tmp_path / "a.db", earlier=path).close()

    with open_ledger(path) as ledger, KeptRuns.open(tmp_path / "a.db") as runs:
        assert len(list(ledger.entries(kind="run"))) == 2
        # How long calls take is measured again where the copy came too late.
        assert runs.seconds_a_call("stacks/a", "scripted") == (None if first == "ledger" else 2.5)
    Answers.open(tmp_path / "a.db", earlier=path).close()
    with open_ledger(path) as ledger:
        assert len(list(ledger.entries(kind="run"))) == 2
