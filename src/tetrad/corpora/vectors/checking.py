"""Whether the tables of an index hold what its corpus says, and still what was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, CursorResult, Select, func, select

from tetrad.canonical import Digest, merkle_root
from tetrad.corpora.chunks import Chunk
from tetrad.corpora.vectors.index_tables import IndexTables, KeptIndex
from tetrad.errors import StoreUnavailable

_ROWS = 1_000  # that are read together


class IndexDamaged(StoreUnavailable):
    """The rows of an index are not those that were written."""


def content_of(connection: Connection, tables: IndexTables, wanted: Sequence[Chunk]) -> Digest:
    """The digest of all rows; IndexDamaged where the chunks are not those of the corpus."""
    with _chunks(connection, tables) as rows:
        return _digest(connection, tables, _as_wanted(rows, wanted))


def verify(connection: Connection, entry: KeptIndex) -> None:
    """IndexDamaged where the rows are not those of the moment at which the index was finished."""
    with _chunks(connection, entry.tables) as rows:
        found = _digest(connection, entry.tables, rows)
    if found != entry.content:
        raise IndexDamaged(f"the index {entry.index.hex[:12]} is not as it was built")


def _digest(connection: Connection, tables: IndexTables, chunks: Iterable[Any]) -> Digest:
    def leaves() -> Iterator[bytes]:
        for row in chunks:
            said = f"{row.position}\0{row.number}".encode()
            parts = (b"chunk", said, row.document, row.key, row.vector, row.text)
            yield b"\0".join(parts)
        words = tables.words.c
        rows = select(words.word, words.positions, words.scores).order_by(words.word)
        with _read(connection, rows) as found:
            for row in found:
                yield b"\0".join((b"word", row.word, row.positions, row.scores))

    return merkle_root(leaves())


def _as_wanted(rows: Iterable[Any], wanted: Sequence[Chunk]) -> Iterator[Any]:
    """The same rows, as long as they are those of the corpus's chunks."""
    for position, (row, chunk) in enumerate(zip_longest(rows, wanted)):
        if (
            row is None
            or chunk is None
            or (row.position, row.document, row.number, row.text)
            != (position, chunk.document.encode(), chunk.number, chunk.text.encode())
        ):
            raise IndexDamaged(
                f"chunk {position} of the index does not match its corpus"
                "\n  help: run the command again, which builds it anew"
            )
        yield row


def _chunks(connection: Connection, tables: IndexTables) -> CursorResult[Any]:
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


def _read(connection: Connection, query: Select[Any]) -> CursorResult[Any]:
    """Row by row, by a cursor of the server."""
    return connection.execute(query.execution_options(yield_per=_ROWS))
