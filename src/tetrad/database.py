"""A SQLite file in WAL mode that several processes read and write, at the newest version of its tables.

`synchronous` is NORMAL: what is committed survives the death of any process (kill -9 included); only
a power cut may take the last commits back, whole. A transaction that must survive that says so.
"""

from __future__ import annotations

import os
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tetrad.errors import DatabaseError, DatabaseUnusable
from tetrad.places import refuse_links
from tetrad.writing import make_folder, replace_file

ENVIRONMENT = "TETRAD_REGISTRY"
# How long a process waits for another one's commit; commits are groups of milliseconds.
BUSY_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Tables:
    """What a file of one kind holds: a script for each version of its tables.

    A database of version N has seen the first N of them. Never edit one that was released: add
    another. `application` tells the kind from others, as `file` and sqlite3 do.
    """

    name: str  # of the kind
    application: int
    scripts: tuple[str, ...]
    if_lost: str  # what becomes of it where a damaged file is moved away

    @property
    def version(self) -> int:
        return len(self.scripts)


class Closing(ABC):
    """What is closed where a `with` ends."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Database:
    """A file of `tables`; used from the thread that opened it."""

    def __init__(self, path: Path, tables: Tables) -> None:
        """Open the file, made where it is absent."""
        make_kept_folder(path.parent)
        for file in files_of(path):
            refuse_links(file)
        self.path = path
        self._tables = tables
        with self.explained():
            self.connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            try:
                _prepare(self.connection, tables)
            except BaseException:
                self.connection.close()
                raise

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def transaction(self, *, synced: bool = False) -> Iterator[None]:
        """Commit what is done within, or nothing; `synced` waits for the disk."""
        with self.explained():
            if synced:  # what was committed before is on the disk then, too
                self.connection.execute("PRAGMA synchronous = FULL")
            # IMMEDIATE takes the write lock at once: a later upgrade could not wait for it.
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            finally:
                if synced:
                    self.connection.execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def explained(self, path: Path | None = None) -> Iterator[None]:
        """SQLite's errors as one sentence about the file, or about another one, with what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise self.explanation(error, path) from error
        except UnicodeDecodeError as error:
            # SQLite quotes a damaged schema in what it says of it, and Python reads that as UTF-8.
            malformed = sqlite3.DatabaseError("malformed database schema")
            raise self.explanation(malformed, path) from error
        except _Refused as error:
            raise DatabaseUnusable(f"{self.path}: {error}") from error

    def explanation(self, error: sqlite3.Error, path: Path | None = None) -> DatabaseError:
        place = path or self.path
        moved = f"move it away (mv {place} {place}.broken), {self._tables.if_lost}"
        return explanation_of(error, place, if_damaged=moved)


def explanation_of(error: BaseException, path: Path, *, if_damaged: str) -> DatabaseError:
    """What SQLite says of a file, and what to do."""
    kind, what_to_do = _help(str(error), if_damaged)
    return kind(f"{path}: {error}\n  help: {what_to_do}")


def _help(message: str, if_damaged: str) -> tuple[type[DatabaseError], str]:
    if "malformed" in message or "not a database" in message:
        return DatabaseUnusable, f"the file is damaged; {if_damaged}"
    if "readonly" in message or "unable to open" in message:
        what_to_do = f"make the file and its folder writable, or name another in {ENVIRONMENT}"
        return DatabaseUnusable, what_to_do
    if "locked" in message:
        held = f"another process held it for {BUSY_TIMEOUT_S:.0f} s"
        return DatabaseError, f"{held}; end that process and try again"
    if "full" in message or "I/O" in message:
        freed = "free some room on the disk and run again"
        return DatabaseError, f"{freed}: what was committed is not asked again"
    return DatabaseUnusable, f"name another file in {ENVIRONMENT}, and send us this message"


def named_file() -> Path | None:
    """The file that `TETRAD_REGISTRY` names; None where it names none, or a server."""
    named = os.environ.get(ENVIRONMENT, "")
    return Path(named) if named and "://" not in named else None


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that SQLite reads as one database."""
    return tuple(path.with_name(f"{path.name}{end}") for end in ("", "-wal", "-shm", "-journal"))


def make_kept_folder(folder: Path) -> None:
    """Make the folder of what is kept, where it is absent; Git is told to leave it alone."""
    refuse_links(folder)
    if folder.is_dir():
        return
    try:
        make_folder(folder)
        # The folder is this machine's; without this it would make every tree dirty.
        replace_file(folder / ".gitignore", b"*\n")
    except OSError as error:
        raise DatabaseUnusable(
            f"{folder}: the folder cannot be made: {error.strerror}\n"
            f"  help: name a file elsewhere in {ENVIRONMENT}"
        ) from error


class _Refused(Exception):
    """A database that is not of our kind or newer than we are."""


def _prepare(connection: sqlite3.Connection, tables: Tables) -> None:
    # A flipped bit can make a blob a text, and its decoding an error: digests judge the bytes.
    connection.text_factory = bytes
    _refuse_others(connection, tables)
    switch_to_wal(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    _migrate(connection, tables)
    # A file that cannot be written is found now, not after the first hundred calls were paid for.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


def switch_to_wal(connection: sqlite3.Connection) -> None:
    """Two processes that make one new file: the switch does not wait, whatever the timeout says."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _refuse_others(connection: sqlite3.Connection, tables: Tables) -> None:
    """Refuse a database that is not ours or newer than we are, before anything of it is changed."""
    # one statement: between two of them another process may make the tables
    version, count, application = connection.execute(
        "SELECT (SELECT user_version FROM pragma_user_version),"
        " (SELECT count(*) FROM sqlite_schema),"
        " (SELECT application_id FROM pragma_application_id)"
    ).fetchone()
    if count and application != tables.application:
        raise _Refused(
            f"the file is a database of another program\n  help: name another file in {ENVIRONMENT}"
        )
    if version > tables.version:
        raise _Refused(
            f"the {tables.name} have version {version}, and this tetrad knows {tables.version}\n"
            f"  help: upgrade tetrad, or name another file in {ENVIRONMENT}"
        )


def _migrate(connection: sqlite3.Connection, tables: Tables) -> None:
    """Bring a database to the newest version, in one transaction that a second process waits for."""
    if _version(connection) == tables.version:
        return
    connection.execute("BEGIN EXCLUSIVE")
    _refuse_others(connection, tables)  # another process may have been first, and newer
    for script in tables.scripts[_version(connection) :]:
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {tables.application}")
    connection.execute(f"PRAGMA user_version = {tables.version}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _statements(script: str) -> Sequence[str]:
    """The script's statements; `executescript` would commit the transaction it runs in."""
    return [statement for statement in script.split(";") if statement.strip()]
