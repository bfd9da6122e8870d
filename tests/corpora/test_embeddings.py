"""The cache of vectors: nothing twice, damage found, processes side by side."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from fakes import WordEmbedder

from tetrad.canonical import digest_bytes
from tetrad.corpora import CachedEmbedder
from tetrad.corpora.cache import FILE, Cache
from tetrad.errors import ArtifactError

TEXTS = ["one text", "another text", "a third"]


def test_nothing_is_embedded_twice(tmp_path: Path) -> None:
    words = WordEmbedder()
    first = CachedEmbedder(words, tmp_path).embed(["a", "b", "a"])
    again = CachedEmbedder(words, tmp_path).embed(["b", "a", "c"])

    assert words.embedded == ["a", "b", "c"]
    assert np.array_equal(first[[1, 0]], again[:2])
    assert first.shape == (3, 64)
    assert first.dtype == np.float32


def test_offsets_are_kept_too(tmp_path: Path) -> None:
    words = WordEmbedder()

    assert CachedEmbedder(words, tmp_path).tokens("a bc") == [(0, 1), (2, 4)]
    assert CachedEmbedder(words, tmp_path).tokens("a bc") == [(0, 1), (2, 4)]
    assert words.tokenised == ["a bc"]


def test_another_model_shares_nothing(tmp_path: Path) -> None:
    CachedEmbedder(WordEmbedder(), tmp_path).embed(TEXTS)
    other = WordEmbedder(digest=digest_bytes(b"another"))
    CachedEmbedder(other, tmp_path).embed(TEXTS)

    assert other.embedded == TEXTS


def test_another_build_of_the_embedder_shares_nothing(tmp_path: Path) -> None:
    first, other = WordEmbedder(), WordEmbedder(build="words 2")
    for embedder in (first, other, WordEmbedder()):
        cached = CachedEmbedder(embedder, tmp_path)
        cached.embed(TEXTS)
        cached.tokens_of(TEXTS)

    assert first.embedded == first.tokenised == TEXTS
    assert other.embedded == other.tokenised == TEXTS


def test_no_texts_need_no_embedder(tmp_path: Path) -> None:
    words = WordEmbedder()

    assert len(CachedEmbedder(words, tmp_path).embed([])) == 0
    assert words.embedded == []


def test_every_damaged_bit_is_found_and_mended(tmp_path: Path) -> None:
    wanted = CachedEmbedder(WordEmbedder(), tmp_path).embed(TEXTS)
    sound = (tmp_path / FILE).read_bytes()
    rng = random.Random(7)

    for _ in range(300):
        damaged = bytearray(sound)
        damaged[rng.randrange(len(sound))] ^= 1 << rng.randrange(8)
        (tmp_path / FILE).write_bytes(damaged)
        found = CachedEmbedder(WordEmbedder(), tmp_path).embed(TEXTS)
        assert np.array_equal(wanted, found)


@pytest.mark.parametrize("column", ["key", "data", "digest"])
def test_a_bit_that_makes_bytes_a_text_is_found_and_mended(tmp_path: Path, column: str) -> None:
    wanted = CachedEmbedder(WordEmbedder(), tmp_path).embed(TEXTS)
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.execute(f"UPDATE entries SET {column} = CAST({column} AS TEXT)")

    assert np.array_equal(wanted, CachedEmbedder(WordEmbedder(), tmp_path).embed(TEXTS))


@pytest.mark.parametrize("data", [b"no database", b"SQLite format 3\0" + b"\0" * 4000, b""])
def test_a_file_that_is_no_database_is_begun_anew(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    words = WordEmbedder()

    CachedEmbedder(words, tmp_path).embed(TEXTS)
    CachedEmbedder(words, tmp_path).embed(TEXTS)

    assert words.embedded == TEXTS


def test_an_entry_can_be_written_over_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database")
    key = digest_bytes(b"key")

    Cache(tmp_path).write({key: b"data"})

    assert Cache(tmp_path).read([key]) == {key: b"data"}


def test_a_truncated_file_is_mended(tmp_path: Path) -> None:
    wanted = CachedEmbedder(WordEmbedder(), tmp_path).embed(TEXTS)
    whole = (tmp_path / FILE).read_bytes()

    for end in range(0, len(whole), 700):
        (tmp_path / FILE).write_bytes(whole[:end])
        assert np.array_equal(wanted, CachedEmbedder(WordEmbedder(), tmp_path).embed(TEXTS))


def test_a_cache_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()

    with pytest.raises(ArtifactError, match="TETRAD_CACHE"):
        CachedEmbedder(WordEmbedder(), tmp_path).embed(TEXTS)


_WRITER = """
import sys
from pathlib import Path
from tetrad.canonical import digest_bytes
from tetrad.corpora.cache import Cache
cache = Cache(Path(sys.argv[1]))
for n in range(30):
    entries = {digest_bytes(b"%d-%d" % (n, k)): b"data %d" % k for k in range(20)}
    cache.write(entries)
    assert cache.read(entries) == entries
"""


def test_processes_share_one_cache(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(4)
    ]

    for writer in writers:
        _, said = writer.communicate(timeout=120)
        assert (writer.returncode, said) == (0, b"")
    key = digest_bytes(b"29-19")
    assert Cache(tmp_path).read([key]) == {key: b"data 19"}
