"""Answers that earlier versions kept in the registry's file were paid for, and are moved; how long
calls took is copied.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tetrad.answers import Answers, KeptRuns
from tetrad.canonical import Digest, digest_bytes, digest_of
from tetrad.errors import DatabaseError
from tetrad.registry import open_ledger

MODEL = digest_of("a model")
VERSION_2 = """
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
    CREATE TABLE builds (digest BLOB PRIMARY KEY, build TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE answers (
        model BLOB NOT NULL, request BLOB NOT NULL, build BLOB NOT NULL, completion BLOB NOT NULL,
        digest BLOB NOT NULL, created INTEGER NOT NULL, UNIQUE (model, request, build)
    );
    INSERT INTO runs (suite, stack, identity, golden, engine, started, finished, made)
    VALUES ('evals/a', 'stacks/a', zeroblob(32), zeroblob(32), 'scripted', 1, 3, 1);
    PRAGMA application_id = 0x74657472;
    PRAGMA user_version = 2;
"""
OPEN = """
import sys
from pathlib import Path
from tetrad.answers import Answers
for number in range(int(sys.argv[2])):
    folder = Path(sys.argv[1], str(number))
    Answers.open(folder / "answers.db", earlier=folder / "registry.db").close()
"""


def question(number: int) -> Digest:
    return digest_of({"question": number})


def earlier(folder: Path, count: int = 3) -> Path:
    """A registry of version 2 with answers of two builds."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "registry.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_2)
        for name in ("engine 2", "engine 1"):
            build = digest_bytes(name.encode()).value
            connection.execute("INSERT INTO builds VALUES (?, ?)", (build, name))
            for number in range(count):
                data = f'{{"text":"{name}: {number}","usage":[1,2,0]}}'.encode()
                request = question(number).value
                entry = digest_bytes(b"".join((MODEL.value, build, request, data))).value
                connection.execute(
                    "INSERT INTO answers VALUES (?, ?, ?, ?, ?, 1)",
                    (MODEL.value, request, build, data, entry),
                )
        connection.commit()
    return path


def texts(answers: Answers, build: str = "engine 1") -> list[str]:
    found = [answers.answer(MODEL, build, question(number)) for number in range(3)]
    return [one.text for one in found if one is not None]


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return {name for (name,) in rows} & {"answers", "builds", "runs"}


def test_answers_of_an_earlier_registry_are_moved_with_their_builds(tmp_path: Path) -> None:
    path = earlier(tmp_path)
    size = path.stat().st_size

    with (
        Answers.open(tmp_path / "a.db", earlier=path) as answers,
        KeptRuns.open(tmp_path / "a.db") as runs,
    ):
        assert texts(answers) == ["engine 1: 0", "engine 1: 1", "engine 1: 2"]
        assert texts(answers, "engine 2") == ["engine 2: 0", "engine 2: 1", "engine 2: 2"]
        assert answers.build_of(MODEL, question(0)) == "engine 1"  # the latest
        assert answers.corrupt == 0
        assert runs.seconds_a_call("stacks/a", "scripted") == 2.0
    assert tables(path) == {"runs"}
    assert path.stat().st_size < size


def test_a_registry_that_is_opened_alone_keeps_the_answers_for_later(tmp_path: Path) -> None:
    path = earlier(tmp_path)
    open_ledger(path).close()

    with Answers.open(tmp_path / "a.db", earlier=path) as answers:
        assert len(texts(answers)) == 3


def test_runs_are_copied_once(tmp_path: Path) -> None:
    path = earlier(tmp_path)
    for _ in range(2):
        Answers.open(tmp_path / "a.db", earlier=path).close()

    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_a_tetrad_that_would_look_for_the_answers_there_refuses_the_registry(
    tmp_path: Path,
) -> None:
    path = earlier(tmp_path)
    Answers.open(tmp_path / "a.db", earlier=path).close()

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)


def test_answers_that_were_copied_and_not_yet_dropped_are_moved_again(tmp_path: Path) -> None:
    """As where the process was killed in between."""
    path = earlier(tmp_path)
    before = shutil.copy(path, tmp_path / "copy.db")
    Answers.open(tmp_path / "a.db", earlier=path).close()
    shutil.move(before, path)

    with Answers.open(tmp_path / "a.db", earlier=path) as answers:
        assert len(texts(answers)) == 3
    assert tables(path) == {"runs"}


def test_processes_that_move_the_same_answers_lose_none(tmp_path: Path) -> None:
    for number in range(5):
        earlier(tmp_path / str(number), count=200)
    command = [sys.executable, "-c", OPEN, str(tmp_path), "5"]

    processes = [subprocess.Popen(command) for _ in range(3)]

    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    for number in range(5):
        with Answers.open(tmp_path / str(number) / "answers.db") as answers:
            assert len(answers.kept(MODEL, "engine 1", map(question, range(200)))) == 200


def test_where_there_is_no_earlier_registry_nothing_is_moved(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    with Answers.open(tmp_path / "a.db", earlier=path) as answers:
        assert texts(answers) == []
    assert not path.exists()


def test_a_damaged_earlier_registry_is_named(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_text("not a database at all, and long enough to be told from an empty file" * 50)

    with pytest.raises(DatabaseError, match=r"registry\.db: file is not a database\n  help: .*mv "):
        Answers.open(tmp_path / "a.db", earlier=path)
