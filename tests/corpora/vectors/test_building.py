"""An index is built once, whatever happens meanwhile, and read only when it is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from corpora.vectors.indexed import HANDBOOK, exact, index, invented, store, stored
from fakes import Watcher, WordEmbedder

from tetrad.canonical import digest_bytes
from tetrad.corpora import index_digest
from tetrad.errors import IndexMissing, StoreUnavailable, UsageError
from tetrad.model import Hnsw

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass
class Breaking(WordEmbedder):
    """It embeds so many texts, and is then interrupted."""

    room: int = 300

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.room -= len(texts)
        if self.room < 0:
            raise KeyboardInterrupt
        return super().embed(texts)


@dataclass
class Wide(WordEmbedder):
    """Vectors of so many dimensions."""

    dimensions: int = 3

    def __post_init__(self) -> None:
        self.digest = digest_bytes(f"wide {self.dimensions}".encode())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        narrow = super().embed(texts)
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        shared = min(self.dimensions, narrow.shape[1])
        rows[:, :shared] = narrow[:, :shared]
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def tables(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE tablename ~ '^tetrad_'")
        return sorted(row[0] for row in rows)


def test_an_index_is_built_once_for_all_who_use_it(tmp_path: Path, vectors: str) -> None:
    corpus, words = stored(tmp_path, bm25=0.5), WordEmbedder()
    other = replace(corpus, index=replace(corpus.index, dense=0.2, bm25=0.8))
    with store(vectors) as kept:
        index(corpus, tmp_path, kept)
    with store(vectors, builds=False) as kept:
        found = index(other, tmp_path, kept, words, cache="new").search("lost keys", 1)

    assert [passage.document for passage in found] == ["keys.md"]
    assert words.embedded == ["lost keys"]
    assert words.tokenised == []


def test_who_only_reads_is_told_of_an_index_that_is_missing(tmp_path: Path, vectors: str) -> None:
    corpus = stored(tmp_path)
    with store(vectors, builds=False) as kept, pytest.raises(IndexMissing) as caught:
        index(corpus, tmp_path, kept)

    assert f"no index of stacks/corpora/handbook ({index_digest(corpus).hex[:12]})" in str(
        caught.value
    )
    assert caught.value.exit_code == 3
    assert tables(vectors) == []


def test_an_interrupted_build_is_not_read_and_is_gone_on_with(tmp_path: Path, vectors: str) -> None:
    corpus, words = stored(tmp_path, invented(700, words=400)), WordEmbedder()
    with store(vectors) as kept, pytest.raises(KeyboardInterrupt):
        index(corpus, tmp_path, kept, Breaking(), cache="one")
    with store(vectors, builds=False) as kept, pytest.raises(IndexMissing):
        index(corpus, tmp_path, kept, cache="two")
    with store(vectors) as kept:
        found = index(corpus, tmp_path, kept, words, cache="three").search("word1", 9)

    assert found == exact(corpus, tmp_path).search("word1", 9)
    assert 0 < len(set(words.embedded)) < 500


def test_an_interrupted_build_that_was_changed_is_begun_anew(tmp_path: Path, vectors: str) -> None:
    corpus = stored(tmp_path, invented(700))
    with store(vectors) as kept, pytest.raises(KeyboardInterrupt):
        index(corpus, tmp_path, kept, Breaking(), cache="one")
    table = next(name for name in tables(vectors) if "chunks" in name)
    with psycopg.connect(vectors) as connection:
        connection.execute(f"UPDATE {table} SET text = 'other' WHERE position = 5".encode())
    with store(vectors) as kept:
        with pytest.raises(StoreUnavailable, match="chunk 5 of the index"):
            index(corpus, tmp_path, kept, cache="two")
        found = index(corpus, tmp_path, kept, cache="two").search("word1", 3)

    assert found == exact(corpus, tmp_path).search("word1", 3)


def test_an_interrupted_build_of_another_embedder_is_begun_anew(
    tmp_path: Path, vectors: str
) -> None:
    corpus, newer = stored(tmp_path, invented(700)), WordEmbedder(build="words 2")
    with store(vectors) as kept, pytest.raises(KeyboardInterrupt):
        index(corpus, tmp_path, kept, Breaking(), cache="one")
    with store(vectors) as kept:
        found = index(corpus, tmp_path, kept, newer, cache="two").search("word1", 3)

    assert found == exact(corpus, tmp_path).search("word1", 3)


def test_a_new_version_of_a_corpus_embeds_what_changed(tmp_path: Path, vectors: str) -> None:
    words = WordEmbedder()
    with store(vectors) as kept:
        index(stored(tmp_path), tmp_path, kept, cache="one")
        edited = stored(tmp_path, {**HANDBOOK, "pay/salary.md": "Salaries are paid on Fridays."})
        index(edited, tmp_path, kept, words, cache="two")

    # the first text says how many dimensions there are
    assert set(words.embedded[1:]) == {"Salaries are paid on Fridays."}


def test_builders_take_turns(tmp_path: Path, vectors: str) -> None:
    corpus = stored(tmp_path, invented(600, words=300), dense=0.6, bm25=0.4, hnsw=Hnsw())
    embedders = [WordEmbedder() for _ in range(3)]
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        stores = [stack.enter_context(store(vectors)) for _ in embedders]
        found = list(
            threads.map(
                lambda n: index(
                    corpus, tmp_path, stores[n], embedders[n], cache=f"cache{n}"
                ).search("word1 word2", 5),
                range(3),
            )
        )

    assert found[0] == found[1] == found[2] == exact(corpus, tmp_path).search("word1 word2", 5)
    assert sorted(len(words.embedded) > 2 for words in embedders) == [False, False, True]
    assert len(tables(vectors)) == 3


BUILDER = """
import sys, time
from pathlib import Path
from fakes import WordEmbedder
from corpora.vectors.indexed import index, invented, store, stored

class Slow(WordEmbedder):
    def embed(self, texts):
        print(len(self.embedded), flush=True)
        if len(self.embedded) > 300:
            time.sleep(600)
        return super().embed(texts)

root = Path(sys.argv[1])
with store(sys.argv[2]) as kept:
    index(stored(root, invented(700, words=400)), root, kept, Slow(), cache="killed")
"""


def test_a_builder_that_is_killed_leaves_what_the_next_one_goes_on_with(
    tmp_path: Path, vectors: str
) -> None:
    corpus, words = stored(tmp_path, invented(700, words=400)), WordEmbedder()
    path = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    builder = subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(tmp_path), vectors],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert builder.stdout is not None
    while int(builder.stdout.readline()) <= 300:
        pass
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    builder.stdout.close()
    with store(vectors) as kept:
        found = index(corpus, tmp_path, kept, words, cache="next").search("word1", 9)

    assert found == exact(corpus, tmp_path).search("word1", 9)
    assert len(set(words.embedded)) < 500


@dataclass
class Cutting(WordEmbedder):
    """It breaks every connection of the database before it embeds so many batches."""

    url: str = ""
    cuts: int = 1

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if len(texts) > 1 and self.cuts:
            self.cuts -= 1
            cut(self.url)
        return super().embed(texts)


def cut(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_connection_that_breaks_while_building_is_made_again(
    tmp_path: Path, vectors: str
) -> None:
    corpus = stored(tmp_path, invented(600, words=300))
    with store(vectors) as kept:
        found = index(corpus, tmp_path, kept, Cutting(url=vectors)).search("word1", 5)

    assert found == exact(corpus, tmp_path).search("word1", 5)


def test_a_connection_that_breaks_again_ends_the_build(tmp_path: Path, vectors: str) -> None:
    corpus = stored(tmp_path, invented(900, words=600))
    with store(vectors) as kept, pytest.raises(StoreUnavailable, match="TETRAD_VECTOR_STORE"):
        index(corpus, tmp_path, kept, Cutting(url=vectors, cuts=2))


def test_a_connection_that_breaks_between_queries_is_made_again(
    tmp_path: Path, vectors: str
) -> None:
    corpus = stored(tmp_path)
    with store(vectors) as kept:
        found = index(corpus, tmp_path, kept)
        before = found.search("lost keys", 2)
        cut(vectors)

        assert found.search("lost keys", 2) == before


def test_a_query_that_is_not_answered_in_time_fails(
    tmp_path: Path, vectors: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tetrad.corpora.vectors.server._ANSWERS_S", 1)
    corpus = stored(tmp_path)
    with store(vectors) as kept:
        index(corpus, tmp_path, kept)
    with store(vectors, builds=False) as kept, psycopg.connect(vectors) as other:
        found = index(corpus, tmp_path, kept)
        table = next(name for name in tables(vectors) if "chunks" in name)
        other.execute(f"LOCK TABLE {table}".encode())

        with pytest.raises(StoreUnavailable, match="statement timeout"):
            found.search("lost keys", 2)


def test_an_index_that_was_dropped_meanwhile_is_missing(tmp_path: Path, vectors: str) -> None:
    with store(vectors) as kept:
        found = index(stored(tmp_path, bm25=0.5), tmp_path, kept)
        with psycopg.connect(vectors, autocommit=True) as connection:
            for table in tables(vectors):
                connection.execute(f'DROP TABLE "{table}"'.encode())

        with pytest.raises(IndexMissing):
            found.search("lost keys", 2)


@pytest.mark.parametrize(
    ("dimensions", "hnsw", "most"), [(2_001, Hnsw(), "2,000 with hnsw"), (16_001, None, "16,000")]
)
def test_vectors_that_are_too_long_are_refused(
    tmp_path: Path, vectors: str, dimensions: int, hnsw: Hnsw | None, most: str
) -> None:
    with store(vectors) as kept, pytest.raises(UsageError, match=f"pgvector takes {most}"):
        index(stored(tmp_path, hnsw=hnsw), tmp_path, kept, Wide(dimensions=dimensions))


def test_corpora_of_different_dimensions_lie_side_by_side(tmp_path: Path, vectors: str) -> None:
    with store(vectors) as kept:
        for dimensions in (3, 64, 2_001):
            embedding = replace(
                (corpus := stored(tmp_path)).embedding,
                files={"a": digest_bytes(b"%d" % dimensions)},
            )
            other = replace(corpus, embedding=embedding)
            found = index(other, tmp_path, kept, Wide(dimensions=dimensions), cache="wide")

            assert len(found.search("lost keys", 4)) == 4

    assert len(tables(vectors)) == 7


def test_progress_is_told(tmp_path: Path, vectors: str) -> None:
    watcher = Watcher()
    with store(vectors, progress=watcher) as kept:
        index(stored(tmp_path, invented(600, words=300)), tmp_path, kept)

    ((label, total, done),) = watcher.work
    assert label == "indexing stacks/corpora/handbook"
    assert total == done


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "TETRAD_VECTOR_STORE is not set"),
        ({"TETRAD_VECTOR_STORE": "mysql://localhost"}, "not an address of PostgreSQL"),
        ({"TETRAD_VECTOR_STORE": "postgresql://u:secret@[::1/x"}, "not an address"),
    ],
)
def test_an_address_that_lacks_or_is_none_is_said(
    tmp_path: Path, environment: dict[str, str], told: str
) -> None:
    from tetrad.corpora import VectorStore

    with pytest.raises(UsageError, match=told) as caught:
        index(stored(tmp_path), tmp_path, VectorStore(environment))

    assert "secret" not in str(caught.value)


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    address = "postgresql://someone:secret@127.0.0.1:1/vectors"
    with store(address) as kept, pytest.raises(StoreUnavailable) as caught:
        index(stored(tmp_path), tmp_path, kept)

    assert str(caught.value).startswith("postgresql://someone:***@127.0.0.1:1/vectors: ")
    assert "help: check the server and the address in TETRAD_VECTOR_STORE" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.exit_code == 3


def test_a_server_that_does_not_answer_is_waited_for(vectors: str) -> None:
    watcher = Watcher()
    nobody = "postgresql://someone@127.0.0.1:1/vectors"
    with store(nobody, progress=watcher) as kept, pytest.raises(StoreUnavailable):
        kept.wait(0.6)
    with store(vectors, progress=watcher) as kept:
        kept.wait(0)

    assert len(watcher.notes) == 1
