"""The ledger on SQLite and on PostgreSQL: what was appended is there, in order, and provably so."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import rfc8785

from tetrad.canonical import digest_bytes, digest_of
from tetrad.errors import DatabaseError, UsageError
from tetrad.registry import Head, NewEntry, Place, PostgresAddress
from tetrad.registry.ledger import Ledger

START = datetime(2026, 11, 30, 12, tzinfo=UTC)
ONE, TWO = digest_of("one identity"), digest_of("another identity")


class Clock:
    """A minute later each time."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with Ledger.open(place, clock=Clock()) as opened:
        yield opened


def run_sql(place: Place, *statements: str) -> list[Any]:
    """What somebody with a database client of their own can do."""
    if isinstance(place, PostgresAddress):
        with psycopg.connect(place.url, autocommit=True) as postgres:
            done = [postgres.execute(statement) for statement in statements]
            return done[-1].fetchall() if done[-1].description else []
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def tamper(place: Place, *statements: str) -> None:
    """The statements, after the triggers and keys that stand in their way are gone."""
    if isinstance(place, PostgresAddress):
        before = ["DROP TRIGGER ledger_entries_append_only ON ledger_entries"]
    else:
        before = [f"DROP TRIGGER ledger_entries_{name}" for name in ("updated", "deleted")]
    run_sql(place, *before, *statements)


def fill(ledger: Ledger, count: int = 5) -> list[bytes]:
    contents = [f"content {number}".encode() for number in range(1, count + 1)]
    for content in contents:
        ledger.append("run", stack="stacks/a", identity=ONE, content=content)
    return contents


def messages(ledger: Ledger, *heads: Head) -> list[str]:
    return [fault.message for fault in ledger.verify(heads)]


def test_an_empty_ledger_has_no_head_and_no_faults(ledger: Ledger) -> None:
    assert (ledger.head(), list(ledger.entries()), ledger.verify()) == (None, [], [])


def test_an_entry_comes_back_as_it_was_appended(ledger: Ledger) -> None:
    appended = [
        ledger.append("identity", stack="stacks/a", identity=ONE, content=b"{}"),
        ledger.append("admission", identity=ONE, environment="production", content=b"\x00\xff"),
        ledger.append("evidence", content=b""),
    ]

    assert list(ledger.entries()) == appended
    assert [ledger.content(entry.content) for entry in appended] == [b"{}", b"\x00\xff", b""]
    assert ledger.content(digest_of("never appended")) is None
    assert ledger.head() == (3, appended[-1].digest)
    assert ledger.verify() == []


def test_an_entrys_digest_is_the_plain_sha256_of_its_canonical_json(ledger: Ledger) -> None:
    fill(ledger, 1)
    entry = ledger.append(
        "approval", stack="stacks/ä", identity=TWO, environment="staging", content=b"signed"
    )

    document: dict[str, Any] = {
        "number": 2,
        "kind": "approval",
        "at": "2026-11-30T12:02:00.000000Z",
        "stack": "stacks/ä",
        "identity": f"tetrad:{TWO.hex}",
        "environment": "staging",
        "content": f"sha256:{hashlib.sha256(b'signed').hexdigest()}",
        "previous": str(next(ledger.entries()).digest),
    }
    assert hashlib.sha256(rfc8785.dumps(document)).hexdigest() == entry.digest.hex


def test_the_first_entry_of_a_published_ledger_keeps_its_digest(ledger: Ledger) -> None:
    entry = ledger.append("run", stack="stacks/a", identity=ONE, content=b"content 1")

    published = "99e12d2152534e4904faa715c46fbaa4bb5ade4ea8aeae7c1156373c4e4b24a9"
    assert entry.digest.hex == published


def test_entries_are_found_by_kind_stack_identity_environment_and_time(ledger: Ledger) -> None:
    for kind, stack, identity, environment in (
        ("identity", "stacks/a", ONE, None),
        ("identity", "stacks/b", TWO, None),
        ("admission", "stacks/a", ONE, "staging"),
        ("admission", "stacks/a", TWO, "production"),
    ):
        ledger.append(
            kind,  # type: ignore[arg-type]
            stack=stack,
            identity=identity,
            environment=environment,
            content=b"x",
        )

    def numbers(**wanted: Any) -> list[int]:
        return [entry.number for entry in ledger.entries(**wanted)]

    assert numbers(kind="identity") == [1, 2]
    assert numbers(stack="stacks/a") == [1, 3, 4]
    assert numbers(identity=TWO) == [2, 4]
    assert numbers(environment="production") == [4]
    assert numbers(stack="stacks/a", identity=ONE, kind="admission") == [3]
    assert numbers(since=START + timedelta(minutes=3)) == [3, 4]
    assert numbers(stack="stacks/c") == []


def test_entries_about_many_identities_are_those_about_each(ledger: Ledger) -> None:
    identities = [digest_of(number) for number in range(600)]  # more than are asked for at once
    for kind in ("run", "decision", "evidence"):
        ledger.extend(
            [
                NewEntry(kind=kind, identity=identity, content=f"{kind} {number}".encode())
                for number, identity in enumerate(identities[1:])
            ]
        )

    found = ledger.entries_about(identities, ["decision", "run"])

    assert list(found) == identities
    assert found[identities[0]] == []
    for identity in (identities[1], identities[-1]):
        each = [entry for entry in ledger.entries(identity=identity) if entry.kind != "evidence"]
        assert found[identity] == each
        assert [entry.kind for entry in each] == ["run", "decision"]


def test_entries_are_read_while_others_are_appended(ledger: Ledger) -> None:
    ledger.extend([NewEntry(kind="run", content=b"%d" % number) for number in range(1_100)])

    read = 0
    for entry in ledger.entries():
        read += 1
        if entry.number == 1:
            ledger.append("run", content=b"meanwhile")
    assert read == 1_101


def test_several_entries_are_appended_together(ledger: Ledger) -> None:
    made = ledger.extend([NewEntry(kind="run", content=b"a"), NewEntry(kind="run", content=b"a")])

    assert [entry.number for entry in made] == [1, 2]
    assert made[1].previous == made[0].digest
    assert ledger.extend([]) == ()
    assert ledger.verify() == []


def test_a_ledger_is_found_again(place: Place) -> None:
    with Ledger.open(place, clock=Clock()) as first:
        fill(first)
        head = first.head()
    with Ledger.open(place, clock=Clock()) as again:
        assert again.head() == head
        assert again.append("run", content=b"next").number == 6
        assert again.verify() == []


def test_what_was_appended_cannot_be_changed_by_mistake(ledger: Ledger, place: Place) -> None:
    fill(ledger)
    for statement in (
        "UPDATE ledger_entries SET stack = 'stacks/b' WHERE number = 1",
        "DELETE FROM ledger_entries WHERE number = 5",
    ):
        with pytest.raises((sqlite3.Error, psycopg.Error), match="append-only"):
            run_sql(place, statement)

    assert ledger.verify() == []


TAMPERED = {
    "a field": (
        "UPDATE ledger_entries SET stack = 'stacks/b' WHERE number = 3",
        ["entry 3 is not what was appended: its digest differs"],
    ),
    "a time": (
        "UPDATE ledger_entries SET at = '2026-11-30T12:02:59.000000Z' WHERE number = 2",
        ["entry 2 is not what was appended: its digest differs"],
    ),
    "no digest": (
        "UPDATE ledger_entries SET identity = 'tetrad:0' WHERE number = 4",
        ["entry 4 is not what was appended: its digest differs"],
    ),
    "the chain": (
        f"UPDATE ledger_entries SET previous = 'sha256:{'0' * 64}' WHERE number = 3",
        [
            "entry 3 does not follow entry 2",
            "entry 3 is not what was appended: its digest differs",
        ],
    ),
    "one entry gone": (
        "DELETE FROM ledger_entries WHERE number = 3",
        ["entry 3 is missing"],
    ),
    "the first entries gone": (
        "DELETE FROM ledger_entries WHERE number < 4",
        ["entries 1 to 3 are missing"],
    ),
    "a content": (
        f"UPDATE ledger_contents SET bytes = NULL WHERE digest = '{digest_bytes(b'content 2')}'",
        ["the content of entry 2 is missing, and no later entry says that it was erased"],
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_ledger_is_found_with_the_place(ledger: Ledger, place: Place, what: str) -> None:
    statement, expected = TAMPERED[what]
    fill(ledger)
    tamper(place, statement)

    assert messages(ledger) == expected


def test_a_changed_content_is_found_and_never_given_out(ledger: Ledger, place: Place) -> None:
    contents = fill(ledger)
    digest = digest_bytes(contents[1])
    changed = "'\\x00'" if isinstance(place, PostgresAddress) else "x'00'"
    tamper(place, f"UPDATE ledger_contents SET bytes = {changed} WHERE digest = '{digest}'")

    assert messages(ledger) == [
        "the content of entry 2 is not what was appended: its digest differs"
    ]
    with pytest.raises(DatabaseError, match=r"content sha256:\w+ is not what was appended\n  help"):
        ledger.content(digest)


def test_a_changed_entry_is_never_given_out(ledger: Ledger, place: Place) -> None:
    fill(ledger)
    tamper(place, "UPDATE ledger_entries SET stack = 'stacks/b' WHERE number = 5")

    with pytest.raises(DatabaseError, match="entry 5 is not what was appended"):
        list(ledger.entries())
    with pytest.raises(DatabaseError, match="entry 5 is not what was appended"):
        ledger.append("run", content=b"on top of it")


def test_a_rewritten_ledger_is_found_by_a_head_that_was_signed(place: Place) -> None:
    with Ledger.open(place, clock=Clock()) as ledger:
        fill(ledger)
        signed = ledger.head()
        assert signed is not None
        fill(ledger, 2)
        assert messages(ledger, signed) == []
    tamper(place, "DELETE FROM ledger_entries", "DELETE FROM ledger_contents")
    with Ledger.open(place, clock=Clock()) as ledger:
        fill(ledger, 4)
        ledger.append("run", stack="stacks/a", content=b"another story")
        ledger.append("run", content=b"and its end")

        assert messages(ledger) == []
        assert messages(ledger, signed) == [
            "entry 5 is not the one that was signed: the ledger was rewritten, there or before"
        ]


def test_a_truncated_ledger_is_found_by_a_head_that_was_signed(
    ledger: Ledger, place: Place
) -> None:
    fill(ledger)
    signed = ledger.head()
    assert signed is not None
    tamper(place, "DELETE FROM ledger_entries WHERE number > 3")

    assert messages(ledger) == []
    assert messages(ledger, signed) == [
        (
            "the ledger ends with entry 3, but entry 5 was signed:"
            " it is an older copy, or entries were removed"
        )
    ]


def test_an_erased_content_leaves_a_whole_chain(ledger: Ledger) -> None:
    contents = [digest_bytes(content) for content in fill(ledger)]

    erased = ledger.erase([contents[1], contents[3], contents[1], digest_of("never appended")])

    assert erased == (contents[1], contents[3])
    assert [ledger.content(digest) is None for digest in contents] == [
        False, True, False, True, False,
    ]  # fmt: skip
    assert ledger.verify() == []
    (told,) = ledger.entries(kind="erasure")
    said = ledger.content(told.content)
    assert said is not None
    assert json.loads(said)["erased"] == [str(contents[1]), str(contents[3])]
    assert ledger.erase([contents[1]]) == ()
    with pytest.raises(UsageError, match="says what was erased, and stays"):
        ledger.erase([told.content])


def test_what_was_erased_and_happens_again_can_be_read_again(ledger: Ledger) -> None:
    (content,) = fill(ledger, 1)
    ledger.erase([digest_bytes(content)], reason="asked for by a customer")
    ledger.append("run", content=content)

    assert ledger.content(digest_bytes(content)) == content
    assert ledger.verify() == []


def test_no_file_holds_an_erased_text(tmp_path: Path) -> None:
    secret = b"the customer's name" * 1_000
    with Ledger.open(tmp_path / "registry.db") as ledger:
        ledger.append("run", content=secret)
        ledger.append("run", content=b"something else")
        ledger.erase([digest_bytes(secret)])

        assert ledger.content(digest_bytes(b"something else")) == b"something else"
        held = [file.name for file in tmp_path.iterdir() if secret[:19] in file.read_bytes()]
    assert held == []


WRITE = """
import sys
from pathlib import Path
from tetrad.registry import PostgresAddress
from tetrad.registry.ledger import Ledger
place = PostgresAddress(sys.argv[1]) if "://" in sys.argv[1] else Path(sys.argv[1])
with Ledger.open(place) as ledger:
    for number in range(int(sys.argv[3])):
        print(ledger.append("run", content=f"{sys.argv[2]}: {number}".encode()).digest, flush=True)
"""


def test_eight_processes_append_to_one_chain(place: Place) -> None:
    """The first of them make the tables."""
    named = place.url if isinstance(place, PostgresAddress) else str(place)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, named, f"writer {number}", "20"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    told = [process.communicate(timeout=300)[0].split() for process in processes]

    with Ledger.open(place) as ledger:
        assert [process.returncode for process in processes] == [0] * 8
        entries = [str(entry.digest) for entry in ledger.entries()]
        assert sorted(entries) == sorted(digest for digests in told for digest in digests)
        assert len(entries) == 160
        for digests in told:  # each in its own order
            assert [digest for digest in entries if digest in set(digests)] == digests
        assert ledger.verify() == []
