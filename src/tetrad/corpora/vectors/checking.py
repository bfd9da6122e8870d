"""Whether the tables of an index hold what its corpus says, and still what was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, Select, func, select

from tetrad.canonical import Digest, merkle_root
from tetrad.corpora.vectors.tables import Entry, IndexTables
from tetrad.corpora.vectors.wanted import Wanted
from tetrad.errors import StoreUnavailable

_ROWS = 1_000  # that are read together


class IndexDamaged(StoreUnavailable):
    """The rows of an index are not those that were written."""


def content_of(connection: Connection, tables: IndexTables, wanted: Wanted) -> Digest:
    """The digest of all rows; IndexDamaged where the chunks are not those of the corpus."""
    return _digest(connection, tables, _as_wanted(_chunks(connection, tables), wanted))


def verify(connection: Connection, entry: Entry) -> None:
    """IndexDamaged where the rows are not those of the moment at which the index was finished."""
    found = _digest(connection, entry.tables, _chunks(connection, entry.tables))
    if found != entry.content:
        raise IndexDamaged(f"the index {entry.index.hex[:12]} is not what was built")


def _digest(connection: Connection, tables: IndexTables, chunks: Iterable[Any]) -> Digest:
    def leaves() -> Iterator[bytes]:
        for row in chunks:
            said = f"{row.position}\0{row.number}".encode()
            parts = (b"chunk", said, row.document, row.key, row.vector, row.text)
            yield b"\0".join(parts)
        words = tables.words.c
        rows = select(words.word, words.positions, words.scores).order_by(words.word)
        for row in _read(connection, rows):
            yield b"\0".join((b"word", row.word, row.positions, row.scores))

    return merkle_root(leaves())


def _as_wanted(rows: Iterable[Any], wanted: Wanted) -> Iterator[Any]:
    """The same rows, as long as they are those of the corpus's chunks."""
    for position, (row, chunk) in enumerate(zip_longest(rows, wanted.chunks)):
        if (
            row is None
            or chunk is None
            or (row.position, row.document, row.number, row.text)
            != (position, chunk.document.encode(), chunk.number, chunk.text.encode())
        ):
            raise IndexDamaged(
                f"the index of {wanted.corpus.ref} ({wanted.digest.hex[:12]}) differs from its"
                f" corpus at chunk {position}"
            )
        yield row


def _chunks(connection: Connection, tables: IndexTables) -> Iterator[Any]:
    chunks = tables.chunks.c
    return _read(
        connection,
        select(
            chunks.position,
            chunks.document,
            chunks.number,
            chunks.text,
            chunks.key,
            func.vector_send(chunks.embedding).label("vector"),
        ).order_by(chunks.position),
    )


def _read(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    yield from connection.execute(query.execution_options(yield_per=_ROWS))
