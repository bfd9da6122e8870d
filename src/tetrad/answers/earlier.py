"""What earlier versions kept in the registry's file: answers are moved, how runs went is copied."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from tetrad.database import Database

_HAS_ANSWERS = "SELECT count(*) FROM earlier.sqlite_schema WHERE name IN ('answers', 'builds')"
_COLUMNS = "model, request, build, completion, digest, created"
_HAS_RUNS = """
    SELECT EXISTS (SELECT * FROM earlier.sqlite_schema WHERE name = 'runs')
        AND NOT EXISTS (SELECT * FROM main.runs)"""
_RUN = "suite, stack, identity, golden, engine, started, finished, made, cached"
# Earlier versions look for answers in a registry of a lower version than this, and refuse one above.
_WITHOUT_ANSWERS = 3


def take_over(database: Database, earlier: Path) -> None:
    """Move the answers of an earlier version's registry here, and copy its runs, which the registry
    takes over itself; nothing where that was done.
    """
    if not earlier.is_file():
        return
    connection = database.connection
    with database.explained(earlier):
        connection.execute("ATTACH ? AS earlier", (str(earlier),))
        try:
            if _has_answers(connection):
                _move(database)
            if _has_runs(connection):
                _copy_runs(database)
        finally:
            connection.execute("DETACH earlier")


def _move(database: Database) -> None:
    connection = database.connection
    # Here first, and on the disk: a process that dies between leaves them in both, to be moved again.
    with database.transaction(synced=True):
        if _has_answers(connection):  # another process may have been first
            connection.execute("INSERT OR IGNORE INTO main.builds SELECT * FROM earlier.builds")
            connection.execute(
                f"INSERT OR IGNORE INTO main.answers ({_COLUMNS})"  # noqa: S608 - columns of ours
                f" SELECT {_COLUMNS} FROM earlier.answers ORDER BY rowid"
            )
    with database.transaction():
        connection.execute("DROP TABLE IF EXISTS earlier.answers")
        connection.execute("DROP TABLE IF EXISTS earlier.builds")
        (version,) = connection.execute("PRAGMA earlier.user_version").fetchone()
        if version < _WITHOUT_ANSWERS:
            connection.execute(f"PRAGMA earlier.user_version = {_WITHOUT_ANSWERS}")
    with suppress(sqlite3.OperationalError):  # another process reads it: the room stays taken
        connection.execute("VACUUM earlier")


def _copy_runs(database: Database) -> None:
    """For how long calls take; the results come from the answers."""
    with database.transaction():
        if _has_runs(database.connection):  # another process may have been first
            database.connection.execute(
                f"INSERT INTO main.runs ({_RUN}) SELECT {_RUN} FROM earlier.runs ORDER BY id"  # noqa: S608
            )


def _has_runs(connection: sqlite3.Connection) -> bool:
    (found,) = connection.execute(_HAS_RUNS).fetchone()
    return bool(found)


def _has_answers(connection: sqlite3.Connection) -> bool:
    (count,) = connection.execute(_HAS_ANSWERS).fetchone()
    return bool(count == 2)
