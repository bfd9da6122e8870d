"""An index, built once: in steps that are kept, so that the next builder goes on where one was ended.

Builders of one index take turns, by a lock that ends with their connection. Chunks are committed in
batches; the index is listed as finished in the transaction that makes its graph and its words and
reads everything back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ARRAY,
    Connection,
    LargeBinary,
    Text,
    any_,
    cast,
    delete,
    func,
    literal,
    select,
)
from sqlalchemy import Index as TableIndex
from sqlalchemy import text as sql

from tetrad.artifacts.progress import Progress
from tetrad.canonical import Digest, digest_bytes
from tetrad.corpora.chunks import Chunk
from tetrad.corpora.embeddings import CachedEmbedder
from tetrad.corpora.scores import word_index
from tetrad.corpora.vectors.checking import IndexDamaged, content_of
from tetrad.corpora.vectors.index_tables import INDEXES, IndexTables, KeptIndex
from tetrad.corpora.vectors.server import Server, entries, entry_of
from tetrad.errors import UsageError
from tetrad.identity import component_digest
from tetrad.model import Corpus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 256  # chunks that are embedded and committed together
_PREPARING = 0x746574726164  # an advisory lock: "tetrad" in ASCII
_MOST_DIMENSIONS = 16_000  # of a vector of pgvector
_MOST_DIMENSIONS_OF_HNSW = 2_000
_CHUNK_COLUMNS = ("position", "document", "number", "text", "key", "embedding")


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedIndex:
    """The chunks of a corpus, and what embeds them."""

    digest: Digest
    corpus: Corpus
    chunks: Sequence[Chunk]
    embedder: CachedEmbedder

    @property
    def build(self) -> str:
        return self.embedder.build


def build(
    server: Server, wanted: WantedIndex, progress: Progress, *, instead: KeptIndex | None = None
) -> KeptIndex:
    """The index, made or completed unless another process has finished it meanwhile.

    It is made again in the place of `instead`, unless another process has done so.
    """

    def work(connection: Connection) -> KeptIndex:
        connection.detach()  # closed at the end, and its lock with it
        prepare(connection, server.name)
        _take_turn(connection, wanted, progress)
        with connection.begin():
            entry = entry_of(connection, wanted.digest)
            if entry is not None and instead is not None and entry.finished == instead.finished:
                drop(connection, entry)
                entry = None
        if entry is not None and entry.finished:
            return entry
        return _Building(connection, wanted, progress).completed(entry)

    return server.retried(work)


def prepare(connection: Connection, server: str) -> None:
    """The extension and the list of indexes; UsageError where the server has no pgvector."""
    with connection.begin():
        connection.execute(select(func.pg_advisory_xact_lock(_PREPARING)))
        extension = connection.execute(
            sql("SELECT installed_version FROM pg_available_extensions WHERE name = 'vector'")
        ).one_or_none()
        if extension is None:
            raise UsageError(
                f"{server}: the server has no extension vector"
                "\n  help: install pgvector on it, or use an image that has it"
            )
        if extension.installed_version is None:
            connection.execute(sql("CREATE EXTENSION vector"))
        INDEXES.create(connection, checkfirst=True)


def drop(connection: Connection, entry: KeptIndex) -> None:
    """Within a transaction of the caller's."""
    entry.tables.all.drop_all(connection)
    connection.execute(delete(INDEXES).where(INDEXES.c.digest == str(entry.index)))


def prune(server: Server, kept: Collection[Digest]) -> list[KeptIndex]:
    """Drop every index but these and those that are being built; what was dropped."""

    def work(connection: Connection) -> list[KeptIndex]:
        connection.detach()
        with connection.begin():
            surplus = [entry for entry in entries(connection) if entry.index not in kept]
        dropped = []
        for entry in surplus:
            with connection.begin():
                if connection.scalar(select(func.pg_try_advisory_lock(lock_of(entry.index)))):
                    drop(connection, entry)
                    dropped.append(entry)
        return dropped

    return server.retried(work)


def lock_of(index: Digest) -> int:
    """The number of the lock that builders of an index hold."""
    return int.from_bytes(index.value[:8], "big", signed=True)


def _take_turn(connection: Connection, wanted: WantedIndex, progress: Progress) -> None:
    lock = lock_of(wanted.digest)
    with connection.begin():
        if connection.scalar(select(func.pg_try_advisory_lock(lock))):
            return
    progress.note(f"{wanted.corpus.ref}: waiting for another process that builds its index")
    with connection.begin():
        connection.execute(select(func.pg_advisory_lock(lock)))


@dataclass(frozen=True, slots=True)
class _Building:
    """A builder whose turn it is."""

    connection: Connection
    wanted: WantedIndex
    progress: Progress

    def completed(self, begun: KeptIndex | None) -> KeptIndex:
        wanted = self.wanted
        dimensions = self._dimensions()
        if begun is not None and (begun.dimensions, begun.build) != (dimensions, wanted.build):
            with self.connection.begin():  # two builds of an embedder do not mix
                drop(self.connection, begun)
            begun = None
        tables = IndexTables(wanted.digest, dimensions)
        if begun is None:
            self._begin(tables, dimensions)
        self._fill(tables)
        try:
            with self.connection.begin():
                self._finish(tables)
        except IndexDamaged:  # what an earlier builder left is of no use
            with self.connection.begin():
                self._drop()
            raise
        with self.connection.begin():
            entry = entry_of(self.connection, wanted.digest)
        assert entry is not None  # noqa: S101 - it was listed above
        return entry

    def _drop(self) -> None:
        entry = entry_of(self.connection, self.wanted.digest)
        if entry is not None:
            drop(self.connection, entry)

    def _dimensions(self) -> int:
        wanted, hnsw = self.wanted, self.wanted.corpus.index.hnsw
        if not wanted.chunks:
            return 1  # of no vector
        dimensions = int(wanted.embedder.embed([wanted.chunks[0].text]).shape[1])
        most = _MOST_DIMENSIONS if hnsw is None else _MOST_DIMENSIONS_OF_HNSW
        if dimensions > most:
            embedding = wanted.corpus.embedding
            raise UsageError(
                f"{wanted.corpus.location}: vectors of {embedding.ref} have {dimensions:,}"
                f" dimensions, and pgvector takes {most:,}{'' if hnsw is None else ' with hnsw'}"
                f"\n  help: {'use another embedding' if hnsw is None else 'remove index.hnsw'}"
            )
        return dimensions

    def _begin(self, tables: IndexTables, dimensions: int) -> None:
        wanted = self.wanted
        with self.connection.begin():
            tables.all.create_all(self.connection)
            self.connection.execute(
                INDEXES.insert().values(
                    digest=str(wanted.digest),
                    corpus=wanted.corpus.ref,
                    embedding=str(component_digest(wanted.corpus.embedding)),
                    build=wanted.build,
                    dimensions=dimensions,
                    chunks=len(wanted.chunks),
                )
            )

    def _fill(self, tables: IndexTables) -> None:
        """Add the chunks that are not there yet."""
        chunks = self.wanted.chunks
        with self.connection.begin():
            there = set(self.connection.scalars(select(tables.chunks.c.position)))
            others = [one.tables for one in entries(self.connection) if one.finished]
        missing = [position for position in range(len(chunks)) if position not in there]
        work = self.progress.start(len(chunks), f"indexing {self.wanted.corpus.ref}")
        work.advance(len(there))
        try:
            for start in range(0, len(missing), _BATCH):
                part = missing[start : start + _BATCH]
                self._add(tables, part, others)
                work.advance(len(part))
        finally:
            work.finish()

    def _add(
        self, tables: IndexTables, positions: Sequence[int], others: Sequence[IndexTables]
    ) -> None:
        """Add chunks; the vectors of texts that another index has are taken from there."""
        chunks = [self.wanted.chunks[position] for position in positions]
        keys = [self.wanted.embedder.key_of(chunk.text).value for chunk in chunks]
        with self.connection.begin():
            vectors = _vectors_in(self.connection, others, keys)
        new = [chunk.text for key, chunk in zip(keys, chunks, strict=True) if key not in vectors]
        embedded = iter(self.wanted.embedder.embed(new))
        with (
            self.connection.begin(),
            _copy(self.connection, tables.chunks.name, _CHUNK_COLUMNS) as copy,
        ):
            for position, key, chunk in zip(positions, keys, chunks, strict=True):
                vector = vectors.get(key) or _written(next(embedded))
                document, text = chunk.document.encode(), chunk.text.encode()
                copy.write_row((position, document, chunk.number, text, key, vector))

    def _finish(self, tables: IndexTables) -> None:
        wanted, connection = self.wanted, self.connection
        # Workers share memory that a container may not have, and order the graph otherwise each time.
        connection.execute(sql("SET LOCAL max_parallel_maintenance_workers = 0"))
        columns = tables.chunks.c
        TableIndex(f"{tables.chunks.name}_key", columns.key).create(connection)
        hnsw = wanted.corpus.index.hnsw
        if hnsw is not None:
            self.progress.note(f"{wanted.corpus.ref}: building the graph")
            TableIndex(
                f"{tables.chunks.name}_hnsw",
                columns.embedding,
                postgresql_using="hnsw",
                postgresql_with={"m": hnsw.m, "ef_construction": hnsw.ef_construction},
                postgresql_ops={"embedding": "vector_ip_ops"},
            ).create(connection)
        if wanted.corpus.index.bm25 > 0:
            self._add_words(tables)
        connection.execute(sql(f"ANALYZE {tables.chunks.name}"))
        content = content_of(connection, tables, wanted.chunks)
        connection.execute(
            INDEXES.update()
            .where(INDEXES.c.digest == str(wanted.digest))
            .values(content=str(content), finished=func.now())
        )

    def _add_words(self, tables: IndexTables) -> None:
        words = word_index(self.wanted.chunks)
        if words is None:
            return
        starts, positions, scores = (
            words.scores["indptr"],
            words.scores["indices"].astype("<i4"),
            words.scores["data"].astype("<f4"),
        )
        with _copy(self.connection, tables.words.name, ("word", "positions", "scores")) as copy:
            for word, number in words.vocab_dict.items():
                if not word:  # the library's own, which is in no text
                    continue
                part = slice(int(starts[number]), int(starts[number + 1]))
                key = digest_bytes(word.encode()).value
                copy.write_row((key, positions[part].tobytes(), scores[part].tobytes()))


def _vectors_in(
    connection: Connection, others: Sequence[IndexTables], keys: Sequence[bytes]
) -> dict[bytes, str]:
    """Vectors that other indexes have: those of equal keys are equal."""
    found: dict[bytes, str] = {}
    for tables in others:
        columns = tables.chunks.c
        missing = [key for key in keys if key not in found]
        if not missing:
            break
        wanted = any_(literal(missing, ARRAY(LargeBinary)))
        rows = connection.execute(
            select(columns.key, cast(columns.embedding, Text)).where(columns.key == wanted)
        )
        found.update((bytes(key), vector) for key, vector in rows)
    return found


def _copy(connection: Connection, table: str, columns: Sequence[str]) -> Any:
    """COPY into a table, within the connection's transaction."""
    from psycopg.sql import SQL, Identifier

    named = SQL(", ").join(map(Identifier, columns))
    driver: Any = connection.connection.dbapi_connection
    return driver.cursor().copy(SQL("COPY {} ({}) FROM STDIN").format(Identifier(table), named))


def _written(vector: NDArray[np.float32]) -> str:
    return f"[{','.join(map(repr, vector.tolist()))}]"
