"""A file of ours: made, brought to its newest version and refused with what to do."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tetrad.database import Database, Tables, explanation_of, files_of
from tetrad.errors import DatabaseError, DatabaseUnusable, ExitCode

OLD = Tables(
    name="notes",
    application=0x74657374,
    scripts=("CREATE TABLE runs (x); INSERT INTO runs VALUES (1)",),
    if_lost="they are written anew",
)
NEW = Tables(
    name="notes",
    application=OLD.application,
    scripts=(*OLD.scripts, "ALTER TABLE runs ADD COLUMN y; UPDATE runs SET y = x + 1"),
    if_lost=OLD.if_lost,
)


def test_the_folder_is_made_and_git_does_not_see_it(tmp_path: Path) -> None:
    Database(tmp_path / ".tetrad" / "notes.db", NEW).close()

    assert (tmp_path / ".tetrad" / ".gitignore").read_text() == "*\n"


def test_a_file_that_is_no_database_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database at all, and long enough to be told from an empty file" * 50)

    with pytest.raises(DatabaseError, match=r"notes\.db: file is not a database\n  help: .*mv "):
        Database(path, NEW)


def test_a_file_that_someone_has_to_mend_is_misuse_and_one_in_use_is_not(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_bytes(b"nonsense " * 200)
    with pytest.raises(DatabaseUnusable) as caught:
        Database(path, NEW)
    assert caught.value.exit_code == ExitCode.MISUSE

    locked = explanation_of(sqlite3.OperationalError("database is locked"), path, if_damaged="")
    assert locked.exit_code == ExitCode.INCONCLUSIVE


def test_damage_that_sqlite_cannot_even_quote_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    Database(path, NEW).close()
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE runs", b"CREATE \xffABLE runs"))

    with pytest.raises(DatabaseError, match=r"notes\.db: .*\n  help: the file is damaged; .*mv "):
        Database(path, NEW)


@pytest.mark.parametrize("version", [0, NEW.version])
def test_another_programs_database_is_left_alone(tmp_path: Path, version: int) -> None:
    path = tmp_path / "notes.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()

    with pytest.raises(DatabaseError, match="a database of another program"):
        Database(path, NEW)

    assert path.read_bytes() == before


def test_a_newer_file_asks_for_a_newer_tetrad(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    Database(path, NEW).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {NEW.version + 1}")
    connection.close()

    with pytest.raises(DatabaseError, match="upgrade tetrad"):
        Database(path, NEW)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DatabaseError, match="cannot be made: Not a directory"):
        Database(tmp_path / "file" / "deeper" / "notes.db", NEW)


def test_a_path_that_is_a_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="unable to open database file\n  help: make the file"):
        Database(tmp_path, NEW)


def test_processes_that_make_one_new_file_wait_for_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tetrad.answers import Answers\n"
        "for n in range(20): Answers.open(Path(sys.argv[1], str(n), 'notes.db')).close()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]

    processes = [subprocess.Popen(command) for _ in range(3)]

    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]


def test_a_file_of_an_earlier_version_is_brought_to_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    Database(path, OLD).close()
    for _ in range(2):
        database = Database(path, NEW)
        rows = database.connection.execute("SELECT x, y FROM runs").fetchall()
        database.close()

        assert rows == [(1, 2)]

    with pytest.raises(DatabaseError, match="the notes have version 2, and this tetrad knows 1"):
        Database(path, OLD)


@pytest.mark.parametrize("synced", [False, True])
def test_what_fails_within_a_transaction_leaves_nothing(tmp_path: Path, synced: bool) -> None:
    database = Database(tmp_path / "notes.db", NEW)

    def fail() -> None:
        with database.transaction(synced=synced):
            database.connection.execute("DELETE FROM runs")
            database.connection.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(DatabaseError, match=r"notes\.db: no such table: nowhere"):
        fail()

    assert database.connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    assert database.connection.execute("PRAGMA synchronous").fetchone() == (1,)
    database.close()


def test_the_files_of_a_database_are_those_that_lie_there(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    database = Database(path, NEW)

    assert set(tmp_path.iterdir()) <= set(files_of(path))
    database.close()
