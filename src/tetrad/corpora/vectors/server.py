"""The server of the vector store: its connections, its list of indexes, and what it says goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, event, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tetrad import postgres
from tetrad.canonical import Digest
from tetrad.corpora.vectors.index_tables import INDEXES, IndexTables, KeptIndex
from tetrad.errors import IndexMissing, StoreUnavailable
from tetrad.model import Corpus

_T = TypeVar("_T")
_UNDEFINED_TABLE = "42P01"
_ANSWERS_S = 10  # of a query, to who only reads
# The driver's own errors are those of COPY, which SQLAlchemy does not know; a pool whose connections
# are all taken has none in time.
_ERRORS = (DBAPIError, psycopg.Error, PoolTimeout)
_OUTAGES = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


class Server:
    """A PostgreSQL server, whose connections threads share."""

    def __init__(self, url: str, password: str | None, *, variable: str, reads: bool) -> None:
        """`reads` says that nothing is ever written by these connections."""
        address = postgres.read_address(url, variable)
        if password and not address.password:
            address = address.set(password=password)
        self.name = postgres.shown(address)
        self._variable = variable
        self._pool = postgres.connections(address)
        self._engine = self._pool.execution_options(postgresql_readonly=reads)
        if reads:
            event.listen(self._pool, "connect", _answer_in_time)

    def close(self) -> None:
        self._pool.dispose()

    def retried(self, work: Callable[[Connection], _T]) -> _T:
        """What the work returns, which is done once more where its connection breaks."""
        try:
            return self._done(work)
        except _OUTAGES:
            pass
        except _ERRORS as error:
            raise self._explanation(error) from error
        try:
            return self._done(work)
        except _ERRORS as error:
            raise self._explanation(error) from error

    def ask(self) -> None:
        """Whether it answers; StoreUnavailable where it does not."""
        self.retried(lambda connection: connection.execute(select(1)))

    def find(self, index: Digest) -> KeptIndex | None:
        """A finished index; None where there is none."""

        def look(connection: Connection) -> KeptIndex | None:
            entry = entry_of(connection, index)
            return entry if entry is not None and entry.finished else None

        return self.retried(look)

    def missing(self, corpus: Corpus, index: Digest) -> IndexMissing:
        return IndexMissing(
            f"{self.name}: no index of {corpus.ref} ({index.hex[:12]})"
            "\n  help: `tetrad index` builds it"
        )

    def _done(self, work: Callable[[Connection], _T]) -> _T:
        with self._engine.connect() as connection:
            return work(connection)

    def _explanation(self, error: Exception) -> StoreUnavailable:
        cause = error.orig if isinstance(error, DBAPIError) else error
        said = str(cause).strip() or type(cause).__name__
        return StoreUnavailable(
            f"{self.name}: {said.splitlines()[0]}"
            f"\n  help: check the server and the address in {self._variable}, and run again"
        )


def _answer_in_time(connection: psycopg.Connection[Any], _: object) -> None:
    """Somebody waits for an answer: a server that is overloaded is one that does not answer."""
    connection.execute(f"SET statement_timeout = '{_ANSWERS_S}s'".encode())
    connection.commit()


def entry_of(connection: Connection, index: Digest) -> KeptIndex | None:
    """What the list says of an index, finished or not."""
    try:
        row = connection.execute(
            select(INDEXES).where(INDEXES.c.digest == str(index))
        ).one_or_none()
    except ProgrammingError as error:
        connection.rollback()
        if is_missing_table(error):
            return None
        raise
    if row is None:
        return None
    return KeptIndex(
        index=index,
        corpus=row.corpus,
        dimensions=row.dimensions,
        chunks=row.chunks,
        build=row.build,
        content=Digest.parse(row.content) if row.content else None,
        finished=row.finished,
        tables=IndexTables(index, row.dimensions),
    )


def entries(connection: Connection) -> list[KeptIndex]:
    """Every index of the list, finished or not."""
    try:
        listed = connection.scalars(select(INDEXES.c.digest).order_by(INDEXES.c.begun)).all()
    except ProgrammingError as error:
        connection.rollback()
        if is_missing_table(error):
            return []
        raise
    found = [entry_of(connection, Digest.parse(digest)) for digest in listed]
    return [entry for entry in found if entry is not None]


def is_missing_table(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == _UNDEFINED_TABLE
