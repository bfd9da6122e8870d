"""An index in PostgreSQL, searched: the answers are those of the exact index, as far as pgvector finds
the nearest vectors.

A query takes the chunks that are nearest in meaning and those that are best by words. From the least
similar of the former follows how good any other chunk can be; those that can still be among the best
are compared, too (the threshold algorithm of Fagin, Lotem and Naor, "Optimal aggregation algorithms
for middleware", 2003). So where every vector is compared, nothing is missed.

Any change of this changes answers: raise `tetrad.identity.RUNTIME`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Integer,
    Select,
    any_,
    func,
    literal,
    select,
)
from sqlalchemy import text as sql
from sqlalchemy.exc import ProgrammingError

from tetrad.corpora.embeddings import CachedEmbedder
from tetrad.corpora.scores import DECIMALS, mixed
from tetrad.corpora.vectors.index_tables import KeptIndex
from tetrad.corpora.vectors.index_words import Words
from tetrad.corpora.vectors.server import Server, is_missing_table
from tetrad.model import Corpus
from tetrad.results.trace import Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CANDIDATES = 100  # of a query, where every vector is compared
_MOST_CANDIDATES_OF_HNSW = 1_000
_STEPS = 10**DECIMALS


class PgvectorIndex:
    """A finished index; threads share it."""

    def __init__(
        self, server: Server, entry: KeptIndex, corpus: Corpus, embedder: CachedEmbedder
    ) -> None:
        self._server = server
        self._entry = entry
        self._corpus = corpus
        self._embedder = embedder
        self._words = Words(entry) if corpus.index.bm25 > 0 else None

    def search(self, query: str, top_k: int) -> tuple[Passage, ...]:
        """The best passages for a query, best first."""
        return self.search_many([query], top_k)[0]

    def search_many(self, queries: Sequence[str], top_k: int) -> list[tuple[Passage, ...]]:
        """The same for several queries, which are embedded together."""
        if not self._entry.chunks or not queries:
            return [() for _ in queries]
        vectors = self._embedder.embed(queries)

        def work(connection: Connection) -> list[tuple[Passage, ...]]:
            try:
                return [
                    self._best(connection, query, vector.tolist(), top_k)
                    for query, vector in zip(queries, vectors, strict=True)
                ]
            except ProgrammingError as error:
                if is_missing_table(error):
                    raise self._server.missing(self._corpus, self._entry.index) from error
                raise

        return self._server.retried(work)

    def _best(
        self, connection: Connection, query: str, vector: Sequence[float], top_k: int
    ) -> tuple[Passage, ...]:
        asked = _VectorQuery(connection, self._entry, vector)
        words = None if self._words is None else self._words.scores(connection, query)
        similar, least = self._nearest(asked, top_k)
        if words is not None:
            best = (-words).argsort(kind="stable")[: len(similar)].tolist()
            similar |= asked.similarities([one for one in best if one not in similar])
        ranked = self._ranked(similar, words, top_k)
        contenders = self._contenders(ranked, similar, least, words, top_k)
        if contenders:
            similar |= asked.similarities(contenders)
            ranked = self._ranked(similar, words, top_k)
        return asked.passages(ranked, similar)

    def _nearest(self, asked: _VectorQuery, top_k: int) -> tuple[dict[int, float], float]:
        """The similarities of the nearest chunks by position, and the least of them."""
        hnsw = self._corpus.index.hnsw
        if hnsw is None or top_k > _MOST_CANDIDATES_OF_HNSW:
            similar = asked.nearest(max(top_k, _CANDIDATES))
        else:
            similar = asked.nearly_nearest(max(top_k, hnsw.ef_search))
        return similar, min(similar.values(), default=1.0)

    def _ranked(
        self, similar: Mapping[int, float], words: NDArray[np.float64] | None, top_k: int
    ) -> list[tuple[int, float]]:
        """Positions and scores, best first."""
        positions = np.fromiter(similar, dtype=np.int64, count=len(similar))
        similarity = np.fromiter(similar.values(), dtype=np.float64, count=len(similar))
        found = None if words is None else words[positions]
        score = self._mixed(similarity, found, similar, words)
        order = np.lexsort((positions, -score))[:top_k]
        return [(int(positions[i]), float(score[i])) for i in order]

    def _contenders(
        self,
        ranked: Sequence[tuple[int, float]],
        similar: Mapping[int, float],
        least: float,
        words: NDArray[np.float64] | None,
        top_k: int,
    ) -> list[int]:
        """The chunks nobody compared that would be ranked if they were as similar as `least`."""
        size = self._entry.chunks
        bound = self._mixed(np.full(size, least), words, similar, words)
        may_be = np.ones(size, dtype=np.bool_)
        if len(ranked) == top_k:
            position, score = ranked[-1]
            may_be = bound > score
            may_be[:position] |= bound[:position] == score
        may_be[list(similar)] = False
        found: list[int] = np.flatnonzero(may_be).tolist()
        return found

    def _mixed(
        self,
        similarity: NDArray[np.float64],
        words: NDArray[np.float64] | None,
        compared: Mapping[int, float],
        all_words: NDArray[np.float64] | None,
    ) -> NDArray[np.float64]:
        return mixed(
            self._corpus.index,
            similarity,
            words,
            most_similar=max(compared.values()),
            most_words=0.0 if all_words is None else float(all_words.max()),
        )


@dataclass(frozen=True, slots=True)
class _VectorQuery:
    """One query's vector, put to the server."""

    connection: Connection
    entry: KeptIndex
    vector: Sequence[float]

    def nearest(self, limit: int) -> dict[int, float]:
        """Every vector is compared, and ties go by position."""
        columns = self.entry.tables.chunks.c
        steps = self._steps()
        query = select(columns.position, steps).order_by(steps, columns.position).limit(limit)
        return self._read(query)

    def nearly_nearest(self, limit: int) -> dict[int, float]:
        """By the graph."""
        columns = self.entry.tables.chunks.c
        self.connection.execute(sql(f"SET LOCAL hnsw.ef_search = {limit:d}"))
        distance = columns.embedding.max_inner_product(self.vector)
        return self._read(select(columns.position, self._steps()).order_by(distance).limit(limit))

    def similarities(self, positions: Sequence[int]) -> dict[int, float]:
        if not positions:
            return {}
        columns = self.entry.tables.chunks.c
        wanted = any_(literal(positions, ARRAY(Integer)))
        return self._read(select(columns.position, self._steps()).where(columns.position == wanted))

    def passages(
        self, ranked: Sequence[tuple[int, float]], similar: Mapping[int, float]
    ) -> tuple[Passage, ...]:
        columns = self.entry.tables.chunks.c
        wanted = any_(literal([position for position, _ in ranked], ARRAY(Integer)))
        rows = self.connection.execute(
            select(columns.position, columns.document, columns.number, columns.text).where(
                columns.position == wanted
            )
        )
        by_position = {row.position: row for row in rows}
        return tuple(
            Passage(
                document=by_position[position].document.decode(),
                chunk=by_position[position].number,
                text=by_position[position].text.decode(),
                score=score,
                similarity=similar[position],
            )
            for position, score in ranked
        )

    def _steps(self) -> ColumnElement[float]:
        """The distance in steps of the last decimal that counts."""
        distance = self.entry.tables.chunks.c.embedding.max_inner_product(self.vector)
        return func.round(distance * float(_STEPS))

    def _read(self, query: Select[Any]) -> dict[int, float]:
        return {position: -steps / _STEPS for position, steps in self.connection.execute(query)}
