"""`levenshtein`: the answer is a few edits of characters away from a text."""

from __future__ import annotations

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import Cell, PureAssertion
from tetrad.assertions.forms import text_problem
from tetrad.assertions.score import Score, binary
from tetrad.assertions.values import as_text
from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.text import composed

THRESHOLD = 5


def _grade(value: Json, assertion: Assertion, answered: Answered) -> Score:
    from rapidfuzz.distance import Levenshtein

    most = THRESHOLD if assertion.threshold is None else assertion.threshold
    distance = Levenshtein.distance(composed(as_text(value)), composed(answered.text))
    near = distance <= most
    return binary(near, f"{distance} edits {'≤' if near else '>'} {most:g}")


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
