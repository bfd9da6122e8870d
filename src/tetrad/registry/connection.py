"""Connections to the ledger's database: durable, and with errors that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from tetrad import postgres
from tetrad.database import (
    BUSY_TIMEOUT_S,
    ENVIRONMENT,
    explanation_of,
    files_of,
    make_kept_folder,
    switch_to_wal,
)
from tetrad.errors import DatabaseError, DatabaseUnusable, MissingExtra
from tetrad.places import refuse_links
from tetrad.registry.chain import NotAnEntry
from tetrad.registry.place import Place

IF_DAMAGED = "`tetrad registry verify` says what is damaged; restore a backup"
APPLICATION = 0x74657472  # "tetr": tells the file from others, as `file` and sqlite3 do
# One of PostgreSQL's advisory locks, which need no right on a table: "tetrad" in ASCII.
_APPENDING = 0x746574726164


class LedgerDatabase:
    """A SQLite file or a PostgreSQL server, and how it is read and written."""

    def __init__(self, place: Place, *, if_damaged: str = IF_DAMAGED) -> None:
        self._if_damaged = if_damaged
        self.is_file = isinstance(place, Path)
        if isinstance(place, Path):
            self._path: Path | None = place
            self.name = str(place)
            self._engine = _sqlite(place)
        else:
            self._path = None
            url = postgres.read_address(place.url, ENVIRONMENT)
            self.name = postgres.shown(url)
            self._engine = _postgres(url)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One state of the database, whatever others append meanwhile."""
        with self.explained(), self._engine.connect() as connection:
            if not self.is_file:
                connection.execution_options(isolation_level="REPEATABLE READ")
            transaction = connection.begin()
            try:
                yield connection
            finally:
                transaction.rollback()  # SQLite refuses to commit where it met a damaged page

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Commit what is done within, on the disk, or nothing; one writer at a time."""
        with self.changing() as connection:
            if not self.is_file:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_APPENDING})"))
            yield connection

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """The same beside the ledger: nobody who appends to it waits."""
        with self.explained(), self._engine.connect() as connection:
            connection.execution_options(tetrad_writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def listening(self, channel: str) -> Iterator[Any]:
        """A connection of the driver of PostgreSQL that hears what is notified on a channel."""
        with self.explained(), self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text(f"LISTEN {channel}"))
            import psycopg

            try:
                yield connection.connection.driver_connection
            except psycopg.Error as error:
                raise self._explanation(error) from error
            finally:
                connection.invalidate()  # so that nobody else hears it

    @contextmanager
    def changes(self) -> Iterator[Callable[[], int]]:
        """A number of a file that differs as soon as another connection has committed: to ask for it
        costs next to nothing.
        """
        with self.explained(), self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            yield lambda: int(driver.execute("PRAGMA data_version").fetchone()[0])

    def forget_erased(self) -> None:
        """Leave nothing of erased contents in the log that SQLite writes ahead."""
        if self.is_file:
            with self.explained(), self._engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert driver is not None  # noqa: S101 - a connection that is open
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def explained(self) -> Iterator[None]:
        """The driver's errors, and entries that were changed, as one sentence with what to do."""
        try:
            yield
        except NotAnEntry as error:
            raise self.damaged(str(error)) from error
        except DBAPIError as error:
            raise self._explanation(error.orig or error) from error
        except sqlite3.Error as error:
            raise self._explanation(error) from error
        except UnicodeDecodeError as error:
            # SQLite quotes a damaged schema in what it says of it, and Python reads that as UTF-8.
            raise self._explanation(sqlite3.DatabaseError("malformed database schema")) from error

    def damaged(self, what: str) -> DatabaseUnusable:
        return DatabaseUnusable(f"{self.name}: {what}\n  help: {self._if_damaged}")

    def _explanation(self, error: BaseException) -> DatabaseError:
        if self._path is not None:
            return explanation_of(error, self._path, if_damaged=self._if_damaged)
        said = str(error).strip() or type(error).__name__
        return DatabaseError(
            f"{self.name}: {said.splitlines()[0]}\n"
            f"  help: check the server and the address in {ENVIRONMENT}, and run again;"
            " nothing was written in part"
        )


def _sqlite(path: Path) -> Engine:
    make_kept_folder(path.parent)
    for file in files_of(path):
        refuse_links(file)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    _refuse_others(connection)
    switch_to_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: to the platter, not to the drive's memory
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten


def _refuse_others(connection: sqlite3.Connection) -> None:
    """Refuse another program's file before anything of it is changed."""
    # one statement: between two of them another process may make the tables
    count, application = connection.execute(
        "SELECT (SELECT count(*) FROM sqlite_schema),"
        " (SELECT application_id FROM pragma_application_id)"
    ).fetchone()
    if count and application != APPLICATION:
        (file,) = (file for _, name, file in connection.execute("PRAGMA database_list"))
        raise DatabaseUnusable(
            f"{file}: the file is a database of another program\n"
            f"  help: name another file in {ENVIRONMENT}"
        )


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the write lock at once: a later upgrade could not wait for it.
    writes = connection.get_execution_options().get("tetrad_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres(url: URL) -> Engine:
    try:
        engine = postgres.connections(url)
    except ImportError as error:
        raise MissingExtra("postgres", "a registry on PostgreSQL") from error
    event.listen(engine, "connect", _prepare_postgres)
    return engine


def _prepare_postgres(connection: Any, _: object) -> None:
    # A server set to acknowledge before its disk has the commit is overruled, a stricter one is not.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()
