"""`retrieved`: every listed document is among the retrieved ones; the score is the share that is."""

from __future__ import annotations

from collections.abc import Collection

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import PureAssertion
from tetrad.assertions.forms import texts_problem
from tetrad.assertions.score import Score, share
from tetrad.assertions.values import as_texts
from tetrad.canonical import Json
from tetrad.model import Assertion, Case, Stack


def _lack(_: Case, stack: Stack, __: Collection[str]) -> str | None:
    if stack.retrieval is None:
        return f"needs a stack with a corpus, and {stack.ref} has none"
    return None


def _grade(value: Json, assertion: Assertion, answered: Answered) -> Score:
    wanted = as_texts(value)
    documents = {passage.document for passage in answered.passages}
    missing = [each for each in wanted if each not in documents]
    return share(wanted, missing, assertion.threshold, "retrieved")


RETRIEVED = PureAssertion(
    name="retrieved",
    value="list of document ids",
    passes_if="all were retrieved; the score is the share",
    threshold="1",
    problem=texts_problem,
    lack=_lack,
    compares_text=True,
    grade=_grade,
)
