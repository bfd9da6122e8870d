"""The tables of the cache: answers with their builds, and how runs that used them went."""

from __future__ import annotations

from tetrad.database import Tables

TABLES = Tables(
    name="kept answers",
    application=0x74657461,  # "teta"
    if_lost="its questions are asked again",
    scripts=(
        """
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
        """
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
    ),
)
