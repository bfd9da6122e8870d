"""The number of edits between two texts, against the table by which it is defined."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.assertions.types.levenshtein import distance


def by_the_table(one: str, other: str) -> int:
    above = list(range(len(other) + 1))
    for row, character in enumerate(one, 1):
        line = [row]
        for column, another in enumerate(other, 1):
            replaced = above[column - 1] + (character != another)
            line.append(min(replaced, above[column] + 1, line[-1] + 1))
        above = line
    return above[-1]


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ("abc", "cab", 2),
        ("aaa", "aa", 1),
        ("ab" * 500, "ba" * 500, 2),
        ("x" + "a" * 3_000 + "y", "z" + "a" * 3_000 + "w", 2),
        ("保修", "保证修", 1),
    ],
    ids=lambda value: str(value)[:10],
)
def test_the_edits_between_two_texts(one: str, other: str, edits: int) -> None:
    assert distance(one, other) == edits
    assert distance(other, one) == edits


texts = st.text(alphabet="abc", max_size=90)


@given(texts, texts)
def test_the_edits_are_those_of_the_table(one: str, other: str) -> None:
    assert distance(one, other) == by_the_table(one, other)
