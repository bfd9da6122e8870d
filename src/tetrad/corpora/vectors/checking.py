"""Whether the tables of an index hold what its corpus says, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, Select, func, select

from tetrad.canonical import Digest, merkle_root
from tetrad.corpora.chunks import Chunk
from tetrad.corpora.vectors.tables import IndexTables
from tetrad.corpora.vectors.wanted import Wanted
from tetrad.errors import StoreUnavailable

_ROWS = 1_000  # that are read together


class IndexDamaged(StoreUnavailable):
    """The rows of an index are not those that were written."""


def content_of(connection: Connection, tables: IndexTables, wanted: Wanted) -> Digest:
    """The digest of all rows; IndexDamaged where the chunks are not those of the corpus."""
    return merkle_root(_leaves(connection, tables, wanted))


def _leaves(connection: Connection, tables: IndexTables, wanted: Wanted) -> Iterator[bytes]:
    chunks, words = tables.chunks.c, tables.words.c
    rows = select(
        chunks.position,
        chunks.document,
        chunks.number,
        chunks.text,
        chunks.key,
        func.vector_send(chunks.embedding).label("vector"),
    ).order_by(chunks.position)
    pairs = zip_longest(_rows(connection, rows), wanted.chunks)
    for position, (row, chunk) in enumerate(pairs):
        if row is None or chunk is None or row[:4] != (position, *_as_rows(chunk)):
            raise IndexDamaged(
                f"the index of {wanted.corpus.ref} ({wanted.digest.hex[:12]}) differs from its"
                f" corpus at chunk {position}"
            )
        document, number, key, vector = row.document, row.number, row.key, row.vector
        yield b"chunk\0" + b"\0".join((document, str(number).encode(), key, vector))
    for word, positions, scores in _rows(
        connection, select(words.word, words.positions, words.scores).order_by(words.word)
    ):
        yield b"word\0" + b"\0".join((word, positions, scores))


def _rows(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    yield from connection.execute(query.execution_options(yield_per=_ROWS))


def _as_rows(chunk: Chunk) -> tuple[bytes, int, bytes]:
    return chunk.document.encode(), chunk.number, chunk.text.encode()
