"""`starts-with`: the answer begins with a text, in the form NFC."""

from __future__ import annotations

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import Cell, Literally, PureAssertion
from tetrad.assertions.forms import text_problem
from tetrad.assertions.lookalikes import at_start, explained
from tetrad.assertions.score import Score
from tetrad.assertions.values import as_text, shown
from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.text import composed


def _is_met(wanted: str, answer: str) -> bool:
    return composed(answer).startswith(composed(wanted))


def _grade(value: Json, _: Assertion, answered: Answered) -> Score:
    starts = _is_met(as_text(value), answered.text)
    said = f"{'starts' if starts else 'does not start'} with {shown(value)}"
    return explained(starts, said, [as_text(value)], answered.text, at_start)


STARTS_WITH = PureAssertion(
    name="starts-with",
    value="text",
    passes_if="the answer begins with it",
    problem=text_problem,
    compares_text=True,
    literally=Literally(is_met=_is_met),
    cell=Cell(threshold=0.75),
    grade=_grade,
)
