"""`similar`: as near in meaning as the threshold, by the cosine of two embeddings."""

from __future__ import annotations

from collections.abc import Collection

from tetrad.assertions.answered import Answered, Services
from tetrad.assertions.assertion_type import Cell, ServiceAssertion, met_by_all, out_of_reach
from tetrad.assertions.forms import references_problem
from tetrad.assertions.score import Score, at_least
from tetrad.assertions.values import references_of
from tetrad.canonical import Json
from tetrad.model import EMBEDDING_JUDGE, Assertion, Case, Model, Stack, Suite

THRESHOLD = 0.75


def embedding_of(suite: Suite, stack: Stack) -> Model | None:
    """The model whose vectors decide: the judge named `embedding`, which changes with the suite
    alone; else the one that the stack itself retrieves or selects with.
    """
    if EMBEDDING_JUDGE in suite.judges:
        return suite.judges[EMBEDDING_JUDGE].model
    return _own_embedding(stack)


def _own_embedding(stack: Stack) -> Model | None:
    """The model that a stack retrieves or selects examples with."""
    if stack.retrieval is not None:
        return stack.retrieval.corpus.embedding
    return None if stack.prompt.select is None else stack.prompt.select.embedding


def _lack(_: Case, stack: Stack, judges: Collection[str]) -> str | None:
    if EMBEDDING_JUDGE not in judges and _own_embedding(stack) is None:
        return "needs an embedding model: name one as `judges: {embedding: {model: …}}`"
    return None


async def _grade(
    value: Json, assertion: Assertion, answered: Answered, services: Services
) -> Score:
    """Of several references the nearest counts."""
    nearest = max(await services.similarities(answered.text, references_of(value)))
    return at_least("similarity", nearest, assertion.threshold, THRESHOLD)


SIMILAR = ServiceAssertion(
    name="similar",
    value="text, or several",
    passes_if="the cosine to the nearest reaches the threshold; that cosine is the score",
    threshold=f"{THRESHOLD:g}",
    problem=references_problem,
    lack=_lack,
    cannot_fail=met_by_all,
    cannot_pass=out_of_reach,
    compares_text=True,
    cell=Cell(threshold=0.8),
    grade=_grade,
    service="embedder",
)
