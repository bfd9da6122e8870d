"""The exact index: every chunk is compared with the query, by meaning and by words.

The score of a chunk is the weighted mean of its cosine and its BM25 score, each brought to [0, 1]
by (score - least possible) / (greatest found - least possible), where the least possible cosine is
-1 and the least BM25 score 0: the convex combination with theoretical minimum that Bruch, Gai and
Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval" (ACM TOIS 2023, arXiv 2210.11934),
found better and steadier than rank fusion. Scores are rounded to six decimals and ties go by
document id and chunk number, so that no machine's rounding orders them.

Any change of this changes answers: raise `tetrad.identity.RUNTIME`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tetrad.corpora.chunking import spans_of
from tetrad.corpora.embeddings import CachedEmbedder
from tetrad.corpora.read_documents import CorpusDocument, read_documents
from tetrad.engines.interfaces import Embedder
from tetrad.errors import MissingExtra, UsageError
from tetrad.model import Chunking, Corpus, Index
from tetrad.results.trace import Passage
from tetrad.segmentation import terms_of
from tetrad.trees import FileTree

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DECIMALS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """A slice of a document; `number` counts from 0 within it."""

    document: str
    number: int
    text: str


def build_index(corpus: Corpus, files: FileTree, embedder: Embedder, cache: Path) -> CorpusIndex:
    """Read, chunk and embed a corpus; what was embedded before comes from the cache folder.

    Raises SpecError for documents that cannot be read.
    """
    if corpus.index.store != "exact":
        raise UsageError(
            f"{corpus.location}: the store {corpus.index.store} is not supported yet\n"
            "  help: write `index: {store: exact}`"
        )
    kept = CachedEmbedder(embedder, cache)
    chunks = _chunks(read_documents(corpus, files), kept, corpus.chunking)
    return CorpusIndex(chunks, kept, corpus.index)


class CorpusIndex:
    """Chunks, ready to be searched."""

    def __init__(self, chunks: Sequence[Chunk], embedder: CachedEmbedder, weights: Index) -> None:
        self.chunks = tuple(chunks)
        self._embedder = embedder
        self._weights = weights
        self._matrix = embedder.embed([chunk.text for chunk in self.chunks])
        self._words = _word_index(self.chunks) if weights.bm25 > 0 else None

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
        similarity = (self._matrix @ vector).astype("float64").round(_DECIMALS)
        score = self._mixed(query, similarity)
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

    def _mixed(self, query: str, similarity: NDArray[np.float64]) -> NDArray[np.float64]:
        dense, words = self._weights.dense, self._weights.bm25
        mixed = dense * (similarity + 1) / max(float(similarity.max()) + 1, 1e-9)
        found = self._bm25(query)
        if found is not None:
            mixed = mixed + words * found / max(float(found.max()), 1e-9)
        return (mixed / (dense + words)).round(_DECIMALS)

    def _bm25(self, query: str) -> NDArray[np.float64] | None:
        """Each chunk's score by words; None where the query has none that the corpus knows."""
        if self._words is None:
            return None
        known = [term for term in terms_of(query) if term in self._words.vocab_dict]
        if not known:
            return None
        scores: NDArray[Any] = self._words.get_scores(known)
        return scores.astype("float64")


def _chunks(
    documents: Sequence[CorpusDocument], embedder: CachedEmbedder, chunking: Chunking
) -> list[Chunk]:
    tokens = embedder.tokens_of([document.text for document in documents])
    return [
        Chunk(document=document.id, number=number, text=document.text[start:end])
        for document, offsets in zip(documents, tokens, strict=True)
        for number, (start, end) in enumerate(spans_of(document.text, offsets, chunking))
    ]


def _word_index(chunks: Sequence[Chunk]) -> Any:
    """BM25 over the chunks' words; None where they have none."""
    texts = [terms_of(chunk.text) for chunk in chunks]
    if not any(texts):
        return None
    try:
        import bm25s
    except ImportError as error:
        raise MissingExtra("corpora", "searching a corpus by words (index.hybrid.bm25)") from error
    # It sets its own logger to DEBUG, and pytest shows that beside a case that fails.
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    words = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    words.index(texts, show_progress=False)
    return words
