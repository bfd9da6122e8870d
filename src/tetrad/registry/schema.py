"""The tables of the registry, and the way from every earlier version of them to this one."""

from __future__ import annotations

import sqlite3

from tetrad.errors import RegistryError

# "tetr": `file` and sqlite3 tell our databases from others by it.
APPLICATION_ID = 0x74657472

# One script a version; a database of version N has seen the first N of them. Never edit one that
# was released: add another.
MIGRATIONS: tuple[str, ...] = (
    """
    -- `digest` covers model, request and completion, so no flipped bit is ever an answer.
    CREATE TABLE answers (
        model BLOB NOT NULL,
        request BLOB NOT NULL,
        completion BLOB NOT NULL,
        digest BLOB NOT NULL,
        created INTEGER NOT NULL,
        UNIQUE (model, request)
    );
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        suite TEXT NOT NULL,
        stack TEXT NOT NULL,
        identity BLOB NOT NULL,
        golden BLOB NOT NULL,
        engine TEXT NOT NULL,
        started REAL NOT NULL,
        finished REAL,
        made INTEGER NOT NULL DEFAULT 0,
        cached INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX runs_of_a_subject ON runs (suite, stack, identity);
    CREATE TABLE results (
        run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        "case" TEXT NOT NULL,
        outcome BLOB NOT NULL,
        PRIMARY KEY (run, position)
    );
    """,
    """
    -- Answers of version 1 cannot say what computed them, so they are asked anew.
    DROP TABLE answers;
    CREATE TABLE builds (
        digest BLOB PRIMARY KEY,
        build TEXT NOT NULL
    ) WITHOUT ROWID;
    -- `digest` covers model, build, request and completion, so no flipped bit is ever an answer.
    CREATE TABLE answers (
        model BLOB NOT NULL,
        request BLOB NOT NULL,
        build BLOB NOT NULL,
        completion BLOB NOT NULL,
        digest BLOB NOT NULL,
        created INTEGER NOT NULL,
        UNIQUE (model, request, build)
    );
    """,
)


def refuse_others(connection: sqlite3.Connection) -> None:
    """RegistryError for a database that is not ours or newer than we are, before anything of it
    is changed.
    """
    # one statement: between two of them another process may make the tables
    version, tables, application = connection.execute(
        "SELECT (SELECT user_version FROM pragma_user_version),"
        " (SELECT count(*) FROM sqlite_schema),"
        " (SELECT application_id FROM pragma_application_id)"
    ).fetchone()
    if tables and application != APPLICATION_ID:
        raise RegistryError(
            "the file is a database of another program\n"
            "  help: name another file in TETRAD_REGISTRY"
        )
    if version > len(MIGRATIONS):
        raise RegistryError(
            f"the registry has version {version}, and this tetrad knows {len(MIGRATIONS)}\n"
            "  help: upgrade tetrad, or name another file in TETRAD_REGISTRY"
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to the newest version, in one transaction that a second process waits for."""
    if _version(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN EXCLUSIVE")
    refuse_others(connection)  # another process may have been first, and newer
    version = _version(connection)
    for script in MIGRATIONS[version:]:
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _statements(script: str) -> list[str]:
    """The script's statements; `executescript` would commit the transaction it runs in."""
    return [statement for statement in script.split(";") if statement.strip()]
