"""`rouge-n`: the F-measure of single words (ROUGE-1) over the words of `tetrad.segmentation`, without
regard to case.
"""

from __future__ import annotations

from collections import Counter

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import Cell, PureAssertion, met_by_all, out_of_reach
from tetrad.assertions.forms import text_problem
from tetrad.assertions.score import Score, at_least
from tetrad.assertions.values import as_text
from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.segmentation import tokens_of, words_of

THRESHOLD = 0.75


def _grade(value: Json, assertion: Assertion, answered: Answered) -> Score:
    # What has no words (emoji, marks) is compared by its marks.
    parts_of = words_of if words_of(as_text(value)) else tokens_of
    wanted, said = Counter(parts_of(as_text(value))), Counter(parts_of(answered.text))
    words = wanted.total() + said.total()
    score = 2 * (wanted & said).total() / words if words else 0.0
    return at_least("rouge-n", score, assertion.threshold, THRESHOLD)


ROUGE_N = PureAssertion(
    name="rouge-n",
    value="text",
    passes_if=(
        "ROUGE-1's F-measure reaches the threshold, over"
        " [words](../how-answers-come-about.md#words); it is the score"
    ),
    threshold=f"{THRESHOLD:g}",
    problem=text_problem,
    cannot_fail=met_by_all,
    cannot_pass=out_of_reach,
    compares_text=True,
    cell=Cell(threshold=0.75),
    grade=_grade,
)
