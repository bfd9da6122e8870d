from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.corpora.chunking import spans_of
from tetrad.model import Chunking


def tokens(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]


def chunks(text: str, size: int, overlap: int) -> list[str]:
    spans = spans_of(text, tokens(text), Chunking(size=size, overlap=overlap))
    return [text[start:end] for start, end in spans]


def test_a_short_document_is_one_chunk() -> None:
    assert chunks("\n# Leave\n\n25 days.\n", 160, 20) == ["# Leave\n\n25 days."]


def test_neighbours_share_the_overlap() -> None:
    assert chunks("a b c d e f g", 3, 1) == ["a b c", "c d e", "e f g"]


def test_a_window_ends_after_a_paragraph_where_its_last_quarter_has_one() -> None:
    text = "a b c d e f.\n\ng h i j"

    assert chunks(text, 8, 0) == ["a b c d e f.", "g h i j"]


def test_a_window_ends_after_a_sentence_rather_than_in_one() -> None:
    assert chunks("a b c d e. f g h i", 7, 0) == ["a b c d e.", "f g h i"]


def test_a_paragraph_too_far_back_is_no_place_to_end() -> None:
    assert chunks("a\n\nb c d e f g h", 8, 0) == ["a\n\nb c d e f g h"]
    assert chunks("a\n\nb c d e f g h i", 8, 0) == ["a\n\nb c d e f g h", "i"]


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_document_has_no_chunks(text: str) -> None:
    assert chunks(text, 3, 1) == []


@given(
    st.text(alphabet="ab .\n?é\u200b", max_size=300),
    st.integers(min_value=1, max_value=20).flatmap(
        lambda size: st.tuples(st.just(size), st.integers(min_value=0, max_value=size - 1))
    ),
)
def test_chunks_are_slices_in_order_that_hold_every_character(
    text: str, window: tuple[int, int]
) -> None:
    size, overlap = window
    spans = spans_of(text, tokens(text), Chunking(size=size, overlap=overlap))

    covered = {place for start, end in spans for place in range(start, end)}
    assert all(text[place].isspace() for place in set(range(len(text))) - covered)
    assert list(spans) == sorted(set(spans))
    for start, end in spans:
        assert text[start:end] == text[start:end].strip()
        assert len(tokens(text[start:end])) <= size
