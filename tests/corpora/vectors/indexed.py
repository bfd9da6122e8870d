"""Corpora in a vector store, and the exact index of the same documents to hold them against."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fakes import WordEmbedder
from runtime.factory import corpus_in

from tetrad.corpora import VectorStore, build_index
from tetrad.corpora.building import Searchable
from tetrad.corpora.vector_store import ENVIRONMENT
from tetrad.model import Corpus, Hnsw
from tetrad.trees import WorkingTree

HANDBOOK = {
    "leave.md": "Everybody has 25 days of leave a year.",
    "pay/salary.md": "Salaries are paid on the last working day of a month.",
    "keys.md": "Lost keys cost 35 euros.",
    "zebra.md": "Lost keys cost 35 euros.",
}
GRAPH = Hnsw(ef_search=200)


def stored(
    root: Path, documents: Mapping[str, str] = HANDBOOK, *, hnsw: Hnsw | None = None, **more: Any
) -> Corpus:
    """A corpus whose documents are written below `root`, with store: pgvector."""
    corpus = corpus_in(root, documents, **more)
    return replace(corpus, index=replace(corpus.index, store="pgvector", hnsw=hnsw))


@contextmanager
def store(url: str, **more: Any) -> Iterator[VectorStore]:
    with closing(VectorStore({ENVIRONMENT: url}, **more)) as opened:
        yield opened


def index(
    corpus: Corpus,
    root: Path,
    vectors: VectorStore,
    embedder: WordEmbedder | None = None,
    cache: str = "cache",
) -> Searchable:
    words = embedder or WordEmbedder()
    return build_index(corpus, WorkingTree(root), words, root / cache, vectors)


def exact(corpus: Corpus, root: Path) -> Searchable:
    other = replace(corpus, index=replace(corpus.index, store="exact", hnsw=None))
    return build_index(other, WorkingTree(root), WordEmbedder(), root / "cache")


def invented(number: int, *, seed: int = 0, words: int = 40) -> dict[str, str]:
    """Documents of a small vocabulary, so that many are as good as others."""
    chance = random.Random(seed)
    return {
        f"{n:05}.md": " ".join(f"word{chance.randrange(words)}" for _ in range(chance.randrange(9)))
        for n in range(number)
    }
