from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import WordEmbedder
from runtime.factory import corpus_in

from tetrad.canonical import digest_bytes
from tetrad.corpora import build_index
from tetrad.corpora.read_documents import read_documents
from tetrad.errors import SpecError, UsageError
from tetrad.loading.documents import MAX_DOCUMENT_BYTES
from tetrad.model import Corpus, Index
from tetrad.trees import WorkingTree

HANDBOOK = {
    "leave.md": "Everybody has 25 days of leave a year.",
    "pay/salary.md": "Salaries are paid on the last working day of a month.",
    "keys.md": "Lost keys cost 35 euros.",
    "zebra.md": "Lost keys cost 35 euros.",
}


def found(corpus: Corpus, root: Path, query: str, top_k: int = 2) -> list[str]:
    index = build_index(corpus, WorkingTree(root), WordEmbedder(), root / "cache")
    return [passage.document for passage in index.search(query, top_k)]


def test_the_passage_nearest_in_meaning_comes_first(tmp_path: Path) -> None:
    corpus = corpus_in(tmp_path, HANDBOOK)

    assert found(corpus, tmp_path, "how many days of leave", 1) == ["leave.md"]
    assert found(corpus, tmp_path, "on which day are salaries paid", 1) == ["pay/salary.md"]


def test_equal_passages_come_in_the_order_of_their_ids(tmp_path: Path) -> None:
    for dense, bm25 in ((1.0, 0.0), (0.6, 0.4), (0.0, 1.0)):
        corpus = corpus_in(tmp_path, HANDBOOK, dense=dense, bm25=bm25)
        assert found(corpus, tmp_path, "lost keys") == ["keys.md", "zebra.md"]


def test_words_count_as_much_as_their_weight(tmp_path: Path) -> None:
    documents = {"a.md": "the the the the order", "b.md": "the A-1234"}
    words = corpus_in(tmp_path, documents, dense=0.0, bm25=1.0)

    assert found(words, tmp_path, "the order a-1234 a-1234", 1) == ["b.md"]


def test_a_query_without_a_known_word_is_answered_by_meaning_alone(tmp_path: Path) -> None:
    corpus = corpus_in(tmp_path, HANDBOOK, dense=0.6, bm25=0.4)
    index = build_index(corpus, WorkingTree(tmp_path), WordEmbedder(), tmp_path / "cache")

    for query in ("", "xyzzy", "?!"):
        passages = index.search(query, 4)
        assert len(passages) == 4
        assert all(0 <= passage.score <= 1 for passage in passages)


def test_a_document_without_a_word_can_be_indexed(tmp_path: Path) -> None:
    corpus = corpus_in(tmp_path, {"a.md": "?!", "b.md": "", "c.md": "..."}, dense=0.5, bm25=0.5)

    assert found(corpus, tmp_path, "word") == ["a.md", "c.md"]


def test_an_empty_corpus_finds_nothing(tmp_path: Path) -> None:
    assert found(corpus_in(tmp_path, {"a.md": " "}, bm25=1.0), tmp_path, "word") == []


def test_passages_are_slices_of_their_documents(tmp_path: Path) -> None:
    text = " ".join(f"word{n}" for n in range(50))
    corpus = corpus_in(tmp_path, {"a.md": text}, size=10, overlap=2)
    index = build_index(corpus, WorkingTree(tmp_path), WordEmbedder(), tmp_path / "cache")

    passages = index.search("word7", 100)

    assert sorted(p.chunk for p in passages) == list(range(len(passages)))
    assert all(p.text in text for p in passages)
    assert len(passages) == 6


def test_many_queries_find_what_each_finds_alone(tmp_path: Path) -> None:
    corpus = corpus_in(tmp_path, HANDBOOK, dense=0.6, bm25=0.4)
    index = build_index(corpus, WorkingTree(tmp_path), WordEmbedder(), tmp_path / "cache")
    queries = ["keys", "leave", "pay", ""]

    assert index.search_many(queries, 3) == [index.search(query, 3) for query in queries]


def test_a_second_start_embeds_and_tokenises_nothing(tmp_path: Path) -> None:
    corpus = corpus_in(tmp_path, HANDBOOK)
    build_index(corpus, WorkingTree(tmp_path), WordEmbedder(), tmp_path / "cache").search("keys", 1)
    words = WordEmbedder()

    build_index(corpus, WorkingTree(tmp_path), words, tmp_path / "cache").search("keys", 1)

    assert (words.embedded, words.tokenised) == ([], [])


def test_after_an_edit_only_what_changed_is_embedded(tmp_path: Path) -> None:
    build_index(
        corpus_in(tmp_path, HANDBOOK), WorkingTree(tmp_path), WordEmbedder(), tmp_path / "cache"
    )
    words = WordEmbedder()
    edited = corpus_in(tmp_path, {**HANDBOOK, "keys.md": "Lost keys cost 40 euros."})

    build_index(edited, WorkingTree(tmp_path), words, tmp_path / "cache")

    assert words.embedded == ["Lost keys cost 40 euros."]


def test_a_store_that_is_not_there_yet_is_said(tmp_path: Path) -> None:
    corpus = replace(corpus_in(tmp_path, HANDBOOK), index=Index(store="qdrant"))

    with pytest.raises(UsageError, match="the store qdrant is not supported yet"):
        found(corpus, tmp_path, "a")


def test_every_document_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    corpus = corpus_in(tmp_path, HANDBOOK)
    folder = tmp_path / corpus.documents.path
    (folder / "bad.md").write_bytes(b"fine\nno\xfft")
    (folder / "worse.md").write_bytes(b"\xff")
    (tmp_path.parent / "outside.md").write_text("secret")
    (folder / "link.md").symlink_to(tmp_path.parent / "outside.md")

    with pytest.raises(SpecError) as caught:
        found(corpus, tmp_path, "a")

    assert [str(issue.location) for issue in caught.value.issues] == [
        "stacks/corpora/handbook/bad.md:2:3",
        "stacks/corpora/handbook/link.md:1:1",
        "stacks/corpora/handbook/worse.md:1:1",
    ]


def test_documents_beyond_the_limits_are_told(tmp_path: Path) -> None:
    corpus = corpus_in(tmp_path, {"a.md": "12345", "b.md": "67890"})
    with (tmp_path / corpus.documents.path / "c.md").open("wb") as stream:
        stream.truncate(MAX_DOCUMENT_BYTES + 1)

    with pytest.raises(SpecError) as caught:
        read_documents(corpus, WorkingTree(tmp_path), max_bytes=8)

    assert [issue.message for issue in caught.value.issues] == [
        "with this document the corpus has 10 bytes; 8 are the limit",
        "the document has 4,000,001 bytes; 4,000,000 are the limit",
    ]


def test_documents_other_than_those_of_the_identity_are_refused(tmp_path: Path) -> None:
    corpus = replace(corpus_in(tmp_path, HANDBOOK), digest=digest_bytes(b"other"))

    with pytest.raises(SpecError, match="changed while they were read"):
        found(corpus, tmp_path, "a")
