"""What somebody who writes the tables can try, so that a registry that lost something looks whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from registry.ledger_mutations import FILES, fill
from registry.ledger_states import chained_anew, sha256

from tetrad.canonical import Json, canonical_json
from tetrad.errors import DatabaseError
from tetrad.registry import Place, PostgresAddress, open_ledger
from tetrad.registry.ledger import Ledger

SNAPSHOT, ERASURE, ERASED = 5, 9, sha256(b'{"id":"b"}\n')


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with open_ledger(place) as opened:
        fill(opened)
        assert opened.verify() == []
        yield opened


def lose(place: Place, *digests: str) -> None:
    """Take the bytes of contents away, and say so nowhere."""
    among = ", ".join(f"'{digest}'" for digest in digests)
    statement = f"UPDATE ledger_contents SET bytes = NULL WHERE digest IN ({among})"
    if isinstance(place, PostgresAddress):
        with psycopg.connect(place.url, autocommit=True) as postgres:
            postgres.execute(statement.encode())
    else:
        with closing(sqlite3.connect(place, isolation_level=None)) as connection:
            connection.execute(statement)


def told(ledger: Ledger) -> list[str]:
    return [fault.message for fault in ledger.verify()]


def content_of(ledger: Ledger, number: int) -> bytes:
    entry = list(ledger.entries())[number - 1]
    content = ledger.content(entry.content)
    assert content is not None
    return content


def test_a_file_of_a_snapshot_is_missed_whatever_else_has_the_snapshot_s_content(
    ledger: Ledger, place: Place
) -> None:
    ledger.append("run", content=content_of(ledger, SNAPSHOT))
    lose(place, sha256(FILES[1]))

    assert told(ledger) == [
        "a file of the snapshot in entry 5 is missing, and no later entry says that it was erased"
    ]


def test_a_snapshot_that_names_something_wrong_misses_its_files_all_the_same(
    ledger: Ledger, place: Place
) -> None:
    files: list[Json] = [{"digest": "sha256:short"}, {"digest": sha256(FILES[1])}, 7]
    ledger.append("snapshot", content=canonical_json({"identity": "tetrad:short", "files": files}))
    lose(place, sha256(FILES[1]))

    assert told(ledger) == [
        "a file of the snapshot in entry 14 is missing, and no later entry says that it was erased"
    ]


def test_an_erasure_does_not_excuse_what_was_appended_again_since(
    ledger: Ledger, place: Place
) -> None:
    lose(place, ERASED)

    assert told(ledger) == [
        "the content of entry 10 is missing, and no later entry says that it was erased"
    ]


def test_what_says_what_was_erased_is_never_erased(ledger: Ledger, place: Place) -> None:
    erasure = sha256(content_of(ledger, ERASURE))
    lose(place, erasure, ERASED)
    ledger.append("erasure", content=canonical_json({"erased": [erasure, ERASED]}))

    assert told(ledger) == [
        "the content of entry 9 is missing, and what says what was erased is never erased"
    ]


def built_anew(path: Path) -> sqlite3.Connection:
    """A table of entries without a key, which takes any row."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE anew AS SELECT * FROM ledger_entries")
    connection.execute("DROP TABLE ledger_entries")
    connection.execute("ALTER TABLE anew RENAME TO ledger_entries")
    return connection


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "registry.db"
    with open_ledger(made) as opened:
        fill(opened)
    return made


STRAYS = {
    "NULL": ["an entry has the number None, which none can have"],
    "0": ["an entry has the number 0, which none can have"],
    "-7": ["an entry has the number -7, which none can have"],
    "'x'": ["an entry has the number 'x', which none can have"],
    "2.5": ["an entry has the number 2.5, which none can have"],
    "13": ["entry 13 occurs more than once"],
}


@pytest.mark.parametrize("number", STRAYS)
def test_an_entry_beside_the_others_is_found(path: Path, number: str) -> None:
    with closing(built_anew(path)) as connection:
        connection.execute(
            f"INSERT INTO ledger_entries SELECT {number}, kind, at, stack, identity, environment,"
            " content, previous, digest FROM ledger_entries WHERE number = 13"
        )

    with open_ledger(path) as ledger:
        assert told(ledger) == STRAYS[number]


@pytest.mark.parametrize("change", ["identity = 'tetrad:0'", "content = 'none'", "kind = NULL"])
def test_an_entry_that_cannot_be_read_as_one_is_found(path: Path, change: str) -> None:
    with closing(built_anew(path)) as connection:
        connection.execute(f"UPDATE ledger_entries SET {change} WHERE number = 13")
        query = "SELECT * FROM ledger_entries ORDER BY number"
        rows = [list(row) for row in connection.execute(query)]
        chained_anew(rows, 12)
        digest = "UPDATE ledger_entries SET digest = ? WHERE number = 13"
        connection.execute(digest, (rows[-1][-1],))

    with open_ledger(path) as ledger:
        assert told(ledger) == ["entry 13 is not what was appended: a field is not one of an entry"]
        with pytest.raises(DatabaseError, match="entry 13 is not what was appended"):
            list(ledger.entries())


def test_a_content_that_is_no_bytes_is_never_given_out(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE ledger_contents SET bytes = 'a text' WHERE bytes = x'7b7d'")

    with open_ledger(path) as ledger:
        assert told(ledger) == [
            "the content of entry 3 is not what was appended: its digest differs"
        ]
        with pytest.raises(DatabaseError, match="is not what was appended"):
            ledger.contents([entry.content for entry in ledger.entries()])


@pytest.mark.parametrize("version", ["NULL", "'x'", "1e999"])
def test_a_version_that_is_none_is_told_as_damage(path: Path, version: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TABLE ledger_version")
        connection.execute(f"CREATE TABLE ledger_version AS SELECT {version} AS version_num")

    with pytest.raises(DatabaseError, match=r"the version of its tables cannot be read\n  help: "):
        open_ledger(path)
