"""`levenshtein`: the answer is a few edits of characters away from a text."""

from __future__ import annotations

import os

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import Cell, PureAssertion
from tetrad.assertions.forms import text_problem
from tetrad.assertions.score import Score, binary
from tetrad.assertions.values import as_text
from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.text import composed

THRESHOLD = 5


def distance(one: str, other: str) -> int:
    """How many characters must be inserted, removed or replaced to make one text the other.

    Of the usual table a column is two numbers, whose bits say in which rows it rises and falls by
    one (Myers 1999, as Hyyrö put it in 2001): ten thousand characters take ten thousand steps.
    """
    one, other = _unlike(one, other)
    if not one:
        return len(other)
    bit, places = 1, dict[str, int]()
    for character in one:
        places[character] = places.get(character, 0) | bit
        bit <<= 1
    last, every, edits = bit >> 1, bit - 1, len(one)
    rises, falls = every, 0
    for character in other:
        here = places.get(character, 0)
        equal = (((here & rises) + rises) ^ rises) | here | falls
        more, less = falls | every & ~(equal | rises), rises & equal
        edits += bool(more & last) - bool(less & last)
        more, less = more << 1 | 1, less << 1
        rises, falls = every & (less | ~(equal | more)), every & more & equal
    return edits


def _unlike(one: str, other: str) -> tuple[str, str]:
    """What stands between the same beginning and end of two texts, backwards, the shorter first."""
    for _ in range(2):
        alike = len(os.path.commonprefix([one, other]))  # noqa: RUF071 - by characters
        one, other = one[alike:][::-1], other[alike:][::-1]
    return (one, other) if len(one) <= len(other) else (other, one)


def _grade(value: Json, assertion: Assertion, answered: Answered) -> Score:
    most = THRESHOLD if assertion.threshold is None else assertion.threshold
    edits = distance(composed(as_text(value)), composed(answered.text))
    near = edits <= most
    return binary(near, f"edit distance {edits} {'≤' if near else '>'} {most:g}")


LEVENSHTEIN = PureAssertion(
    name="levenshtein",
    value="text",
    passes_if="at most so many characters are edited",
    threshold=f"{THRESHOLD}",
    problem=text_problem,
    compares_text=True,
    cell=Cell(threshold=0.75),
    grade=_grade,
)
