"""Files that broke and servers that went away: the place is named, and nothing is made up."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from postgres import schema

from tetrad.errors import DatabaseError
from tetrad.registry import NewEntry, PostgresAddress, open_ledger
from tetrad.registry.appending import extend
from tetrad.registry.ledger import Ledger

PAGE = 4096


def made(path: Path, count: int = 400) -> Path:
    """A ledger in one file, with contents that fill pages of their own."""
    with open_ledger(path) as ledger:
        for start in range(1, count + 1, 100):
            ledger.extend(
                [
                    NewEntry(kind="run", stack="stacks/a", content=b"%d " % number * 900)
                    for number in range(start, start + 100)
                ]
            )
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def pages_of(path: Path, table: str) -> list[int]:
    """The leaf pages of a table, from 1."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (table,)
        ).fetchall()
    return [number for (number,) in rows]


def break_page(path: Path, number: int, data: bytes = b"\xff" * PAGE) -> None:
    with path.open("r+b") as file:
        file.seek((number - 1) * PAGE)
        file.write(data)


def verified(path: Path) -> list[str]:
    """What is wrong with a file, as faults or as the one error."""
    try:
        with open_ledger(path) as ledger:
            return [fault.message for fault in ledger.verify()]
    except DatabaseError as error:
        return [str(error)]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("sound") / "registry.db")


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "registry.db"))


def has_dbstat() -> bool:
    with closing(sqlite3.connect(":memory:")) as connection:
        options = {option for (option,) in connection.execute("PRAGMA compile_options")}
    return "ENABLE_DBSTAT_VTAB" in options


needs_dbstat = pytest.mark.skipif(not has_dbstat(), reason="this SQLite cannot tell pages apart")


@needs_dbstat
def test_entries_on_a_damaged_page_are_named(copy: Path) -> None:
    page = pages_of(copy, "ledger_entries")[2]
    break_page(copy, page)

    told = verified(copy)

    assert told[0].startswith("the file is damaged: ")
    assert sum("cannot be read: database disk image is malformed" in one for one in told) == 1
    assert any(one.startswith("entries ") for one in told)


@needs_dbstat
def test_a_content_on_a_damaged_page_is_named(copy: Path) -> None:
    break_page(copy, pages_of(copy, "ledger_contents")[10])

    told = verified(copy)

    assert any(one.startswith("the content of entry ") for one in told)


def test_a_flipped_bit_of_a_text_is_found(copy: Path) -> None:
    data = copy.read_bytes()
    place = data.rindex(b"stacks/a")
    break_page(copy, 1, data[:PAGE])
    with copy.open("r+b") as file:
        file.seek(place)
        file.write(b"\xf3")

    told = verified(copy)

    assert len(told) >= 1
    assert any(one.startswith("entry ") for one in told)


def test_every_damaged_page_is_found(copy: Path, sound: Path) -> None:
    """Pages at random, broken at random places; none passes, and nothing but our error is raised."""
    chance = random.Random(7)
    data = sound.read_bytes()
    pages = len(data) // PAGE
    for _ in range(40):
        number = chance.randrange(1, pages + 1)
        kept = bytearray(data[(number - 1) * PAGE : number * PAGE])
        start = chance.randrange(PAGE - 64)
        before = bytes(kept)
        kept[start : start + 64] = chance.randbytes(64)
        break_page(copy, number, bytes(kept))
        unused = not any(before[start : start + 64])

        assert verified(copy) or unused, f"page {number} at {start}"
        break_page(copy, number, before)
    assert verified(copy) == []


FILL = """
import resource, sys
from pathlib import Path
from tetrad.errors import DatabaseError
from tetrad.registry import open_ledger
with open_ledger(Path(sys.argv[1])) as ledger:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        while True:
            print(ledger.append("run", content=b"x" * 20_000).digest, flush=True)
    except DatabaseError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("room", [100_000, 250_000, 1_000_000])
def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path, room: int) -> None:
    path = tmp_path / "registry.db"
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(path), str(room)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 3
    assert f"{path}: " in done.stderr
    assert "help: free some room on the disk" in done.stderr
    with open_ledger(path) as ledger:
        assert ledger.verify() == []
        assert [str(entry.digest) for entry in ledger.entries()] == done.stdout.split()
        assert ledger.append("run", content=b"after that").number == len(done.stdout.split()) + 1


@pytest.fixture
def server(postgres: str) -> Iterator[str]:
    with schema(postgres) as url:
        yield url


def cut_connections(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'tetrad' AND datname = current_database()"
        ).fetchall()
    return len(rows)


def write_and_cut(ledger: Ledger, url: str) -> None:
    with ledger._database.writing() as connection:
        new = [NewEntry(kind="run", content=b"never")]
        extend(connection, new, at="2026-11-30T00:00:00.000000Z")
        cut_connections(url)


def test_a_connection_that_was_cut_between_two_entries_is_made_anew(server: str) -> None:
    with open_ledger(PostgresAddress(server)) as ledger:
        ledger.append("run", content=b"before")
        assert cut_connections(server) > 0

        assert ledger.append("run", content=b"after").number == 2
        assert ledger.verify() == []


def test_a_connection_that_is_cut_while_writing_is_told(server: str) -> None:
    with open_ledger(PostgresAddress(server)) as ledger:
        ledger.append("run", content=b"before")

        with pytest.raises(DatabaseError) as told:
            write_and_cut(ledger, server)

        assert told.value.exit_code == 3
        assert "terminating connection" in str(told.value)
        assert "\n  help: check the server and the address in TETRAD_REGISTRY" in str(told.value)
        assert [ledger.content(entry.content) for entry in ledger.entries()] == [b"before"]
        assert ledger.append("run", content=b"after").number == 2
