"""`bleu`: the sentence BLEU of sacrebleu, which is the extra `metrics`, over the words of
`tetrad.segmentation`, without regard to case.
"""

from __future__ import annotations

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import PureAssertion, met_by_all, out_of_reach
from tetrad.assertions.forms import references_problem
from tetrad.assertions.score import Score, at_least
from tetrad.assertions.values import references_of
from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.segmentation import tokens_of

THRESHOLD = 0.5


def _grade(value: Json, assertion: Assertion, answered: Answered) -> Score:
    """The best that any of the references gives is what sacrebleu counts n-grams against."""
    import sacrebleu

    said, *references = (" ".join(tokens_of(t)) for t in (answered.text, *references_of(value)))
    score = sacrebleu.sentence_bleu(said, references, tokenize="none").score / 100
    return at_least("bleu", score, assertion.threshold, THRESHOLD)


BLEU = PureAssertion(
    name="bleu",
    value="text, or several",
    passes_if="the sentence BLEU reaches the threshold, over words and marks; it is the score",
    threshold=f"{THRESHOLD:g}",
    problem=references_problem,
    cannot_fail=met_by_all,
    cannot_pass=out_of_reach,
    compares_text=True,
    grade=_grade,
    library="sacrebleu",
)
