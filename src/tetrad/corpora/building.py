"""What finds the passages of a corpus, by the store that the corpus names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from tetrad.corpora.chunking import spans_of
from tetrad.corpora.chunks import Chunk
from tetrad.corpora.embeddings import CachedEmbedder
from tetrad.corpora.index import CorpusIndex
from tetrad.corpora.read_documents import CorpusDocument, read_documents
from tetrad.corpora.vector_store import Made, VectorStore
from tetrad.engines.interfaces import Embedder
from tetrad.errors import UsageError
from tetrad.model import Chunking, Corpus
from tetrad.results.trace import Passage
from tetrad.trees import FileTree


class Searchable(Protocol):
    """An index of any store."""

    def search(self, query: str, top_k: int) -> tuple[Passage, ...]:
        """The best passages for a query, best first."""

    def search_many(self, queries: Sequence[str], top_k: int) -> list[tuple[Passage, ...]]:
        """The same for several queries, which are embedded together."""


def build_index(
    corpus: Corpus,
    files: FileTree,
    embedder: Embedder,
    cache: Path,
    vectors: VectorStore | None = None,
) -> Searchable:
    """Read, chunk and embed a corpus; what was embedded before comes from the cache folder.

    `vectors` holds corpora with the store pgvector; without it, it is the one that the process's
    environment names. Raises SpecError for documents that cannot be read.
    """
    kept = CachedEmbedder(embedder, cache)
    chunks = partial(_chunks, corpus, files, kept)
    match corpus.index.store:
        case "exact":
            return CorpusIndex(chunks(), kept, corpus.index)
        case "pgvector":
            return (vectors or VectorStore()).index(corpus, chunks, kept)
        case "qdrant":
            raise UsageError(
                f"{corpus.location}: the store qdrant is not supported yet\n"
                "  help: write `index: {store: exact}` or `index: {store: pgvector}`"
            )


def make_index(
    corpus: Corpus, files: FileTree, embedder: Embedder, cache: Path, vectors: VectorStore
) -> Made:
    """Build the index of a corpus in the vector store, or verify the one that is there."""
    kept = CachedEmbedder(embedder, cache)
    return vectors.make(corpus, partial(_chunks, corpus, files, kept), kept)


def _chunks(corpus: Corpus, files: FileTree, embedder: CachedEmbedder) -> tuple[Chunk, ...]:
    return chunks_of(read_documents(corpus, files), embedder, corpus.chunking)


def chunks_of(
    documents: Sequence[CorpusDocument], embedder: CachedEmbedder, chunking: Chunking
) -> tuple[Chunk, ...]:
    """In the order of document id and number, by which ties go."""
    tokens = embedder.tokens_of([document.text for document in documents])
    return tuple(
        Chunk(document=document.id, number=number, text=document.text[start:end])
        for document, offsets in zip(documents, tokens, strict=True)
        for number, (start, end) in enumerate(spans_of(document.text, offsets, chunking))
    )
