"""What pgvector finds is what the exact index finds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from corpora.vectors.indexed import GRAPH, exact, index, invented, store, stored
from fakes import WordEmbedder

from tetrad.canonical import digest_bytes
from tetrad.corpora import build_index
from tetrad.model import Hnsw
from tetrad.results.trace import Passage
from tetrad.trees import WorkingTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

QUERIES = ["word1 word2", "word3 word3 word9", "nothing known", "", "word1", "?!"]
WEIGHTS = [(1.0, 0.0), (0.6, 0.4), (0.1, 0.9), (0.0, 1.0)]


def seen(passages: tuple[Passage, ...]) -> list[tuple[str, int, str, float, float]]:
    return [
        (
            p.document,
            p.chunk,
            p.text,
            pytest.approx(p.score, abs=2e-6),
            pytest.approx(p.similarity, abs=2e-6),
        )
        for p in passages
    ]


@pytest.mark.parametrize(("dense", "bm25"), WEIGHTS)
@pytest.mark.parametrize("top_k", [1, 3, 150, 5_000])
def test_the_passages_are_those_of_the_exact_index(
    tmp_path: Path, vectors: str, dense: float, bm25: float, top_k: int
) -> None:
    corpus = stored(tmp_path, invented(400), dense=dense, bm25=bm25)

    with store(vectors) as kept:
        found = index(corpus, tmp_path, kept).search_many(QUERIES, top_k)

    expected = exact(corpus, tmp_path).search_many(QUERIES, top_k)
    for one, other in zip(found, expected, strict=True):
        assert seen(one) == seen(other)


HOSTILE = {
    "nul.md": "before\0after",
    "only-nul.md": "\0\0",
    'quote\'s "and" \\back\\slash; DROP TABLE tetrad_indexes;--.md': "'; DROP TABLE x; --",
    "dollar.md": "$$ $1 %s %(name)s {} \\x00 \\N \\.",
    "long-word.md": "a" * 500_000,
    "bidi.md": "\u202eright\u202c \u200b\ufeff zero width",
    "emoji.md": "👩‍👩‍👧‍👦 🇩🇪 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "languages.md": "東京都 ภาษาไทย עברית العربية",
    "noncharacters.md": "\ufffe\uffff\U0010ffff",
    "lines.md": "a\nb\u2028d\x85e\x0cf",
    "ümlaut/ß.md": "straße",
}


@pytest.mark.parametrize("hnsw", [None, GRAPH])
def test_hostile_texts_come_back_as_they_are(
    tmp_path: Path, vectors: str, hnsw: Hnsw | None
) -> None:
    corpus = stored(tmp_path, HOSTILE, hnsw=hnsw, dense=0.6, bm25=0.4)
    queries = [*HOSTILE.values(), "drop table", "東京", "\0", "a" * 500_000, "%s"]
    with store(vectors) as kept:
        found = index(corpus, tmp_path, kept).search_many(queries, 20)

    expected = exact(corpus, tmp_path).search_many(queries, 20)
    for one, other in zip(found, expected, strict=True):
        assert seen(one) == seen(other)


@pytest.mark.parametrize("documents", [{"a.md": " "}, {"a.md": "\n", "b.md": ""}])
def test_a_corpus_without_a_chunk_finds_nothing(
    tmp_path: Path, vectors: str, documents: dict[str, str]
) -> None:
    with store(vectors) as kept:
        assert index(stored(tmp_path, documents, bm25=0.5), tmp_path, kept).search("word", 3) == ()


def test_a_corpus_without_a_word_is_searched_by_meaning(tmp_path: Path, vectors: str) -> None:
    corpus = stored(tmp_path, {"a.md": "?!", "b.md": "..."}, dense=0.5, bm25=0.5)
    with store(vectors) as kept:
        found = index(corpus, tmp_path, kept).search("word", 3)

    assert seen(found) == seen(exact(corpus, tmp_path).search("word", 3))


def test_no_query_asks_nothing(tmp_path: Path, vectors: str) -> None:
    with store(vectors) as kept:
        assert index(stored(tmp_path), tmp_path, kept).search_many([], 3) == []


def test_many_threads_search_at_once(tmp_path: Path, vectors: str) -> None:
    corpus = stored(tmp_path, invented(300), dense=0.6, bm25=0.4)
    queries = [f"word{n % 40} word{n % 7}" for n in range(64)]
    with store(vectors) as kept, ThreadPoolExecutor(16) as threads:
        found = index(corpus, tmp_path, kept)
        passages = list(threads.map(lambda query: found.search(query, 5), queries))

    expected = exact(corpus, tmp_path).search_many(queries, 5)
    assert [seen(one) for one in passages] == [seen(one) for one in expected]


@dataclass
class Scattered(WordEmbedder):
    """Vectors without neighbours of the same distance, as real embedders make them."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        self.embedded.extend(texts)
        rows = [
            np.random.default_rng(list(digest_bytes(text.encode()).value)).normal(size=32)
            for text in texts
        ]
        found = np.stack(rows).astype(np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize(("dense", "bm25"), [(1.0, 0.0), (0.7, 0.3)])
def test_a_graph_finds_nearly_all_in_a_large_corpus(
    tmp_path: Path, vectors: str, dense: float, bm25: float
) -> None:
    documents = {
        f"{n:03}.md": "\n\n".join(f"Rule {n}.{m} is about thing {n * m % 97}." for m in range(40))
        for n in range(100)
    }
    corpus = stored(tmp_path, documents, hnsw=GRAPH, dense=dense, bm25=bm25, size=9, overlap=0)
    queries = [f"what is rule {n}.{n % 40}" for n in range(50)]
    words = Scattered()
    with store(vectors) as kept:
        found = index(corpus, tmp_path, kept, words).search_many(queries, 10)
        with psycopg.connect(vectors) as connection:
            (graphs,) = connection.execute(
                "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%hnsw%'"
            ).fetchall()

    plain = replace(corpus, index=replace(corpus.index, store="exact", hnsw=None))
    other = build_index(plain, WorkingTree(tmp_path), Scattered(), tmp_path / "cache")
    expected = other.search_many(queries, 10)
    hits = sum(
        len({(p.document, p.chunk) for p in one} & {(p.document, p.chunk) for p in two})
        for one, two in zip(found, expected, strict=True)
    )
    assert graphs == (1,)
    assert len(words.embedded) > 3_000
    assert hits / 500 > 0.9
