"""The exact index: every chunk is compared with the query, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tetrad.corpora.chunks import Chunk
from tetrad.corpora.embeddings import CachedEmbedder
from tetrad.corpora.scores import DECIMALS, mixed, word_index
from tetrad.model import Index
from tetrad.results.trace import Passage
from tetrad.segmentation import terms_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class CorpusIndex:
    """Chunks, ready to be searched."""

    def __init__(self, chunks: Sequence[Chunk], embedder: CachedEmbedder, weights: Index) -> None:
        self.chunks = tuple(chunks)
        self._embedder = embedder
        self._weights = weights
        self._matrix = embedder.embed([chunk.text for chunk in self.chunks])
        self._words = word_index(self.chunks) if weights.bm25 > 0 else None

    def search(self, query: str, top_k: int) -> tuple[Passage, ...]:
        """The best passages for a query, best first."""
        return self.search_many([query], top_k)[0]

    def search_many(self, queries: Sequence[str], top_k: int) -> list[tuple[Passage, ...]]:
        """The same for several queries, which are embedded together."""
        if not self.chunks or not queries:
            return [() for _ in queries]
        vectors = self._embedder.embed(queries)
        return [
            self._best(query, vector, top_k) for query, vector in zip(queries, vectors, strict=True)
        ]

    def _best(self, query: str, vector: NDArray[np.float32], top_k: int) -> tuple[Passage, ...]:
        similarity = (self._matrix @ vector).astype("float64").round(DECIMALS)
        words = self._bm25(query)
        score = mixed(
            self._weights,
            similarity,
            words,
            most_similar=float(similarity.max()),
            most_words=0.0 if words is None else float(words.max()),
        )
        # Chunks lie in the order of document id and number, so a stable sort breaks ties by them.
        best = (-score).argsort(kind="stable")[:top_k]
        return tuple(
            Passage(
                document=self.chunks[i].document,
                chunk=self.chunks[i].number,
                text=self.chunks[i].text,
                score=float(score[i]),
                similarity=float(similarity[i]),
            )
            for i in best
        )

    def _bm25(self, query: str) -> NDArray[np.float64] | None:
        """Each chunk's score by words; None where the query has none that the corpus knows."""
        if self._words is None:
            return None
        known = [term for term in terms_of(query) if term in self._words.vocab_dict]
        if not known:
            return None
        scores: NDArray[Any] = self._words.get_scores(known)
        return scores.astype("float64")
