"""Answers that earlier versions kept in the registry's file: moved, not lost."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from tetrad.database import Database

_HAS_ANSWERS = "SELECT count(*) FROM earlier.sqlite_schema WHERE name IN ('answers', 'builds')"
_COLUMNS = "model, request, build, completion, digest, created"


def take_over(database: Database, earlier: Path) -> None:
    """Move the answers of an earlier version's registry here; nothing where they were moved."""
    if not earlier.is_file():
        return
    connection = database.connection
    with database.explained(earlier):
        connection.execute("ATTACH ? AS earlier", (str(earlier),))
        try:
            if _has_answers(connection):
                _move(database)
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
    with suppress(sqlite3.OperationalError):  # another process reads it: the room stays taken
        connection.execute("VACUUM earlier")


def _has_answers(connection: sqlite3.Connection) -> bool:
    (count,) = connection.execute(_HAS_ANSWERS).fetchone()
    return bool(count == 2)
