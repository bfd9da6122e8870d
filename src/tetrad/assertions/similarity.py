"""The assertion on meaning: similar, the cosine of two embeddings."""

from __future__ import annotations

from tetrad.assertions.overlap import at_least
from tetrad.assertions.values import references_of
from tetrad.assertions.verdict import Answered, Asked, Services, Verdict
from tetrad.canonical import Json
from tetrad.model import Assertion

THRESHOLD = 0.75


async def similar(
    value: Json, assertion: Assertion, answered: Answered, services: Services
) -> Verdict:
    """As near in meaning as the threshold; of several references the nearest counts."""
    nearest = max(await services.similarities(answered.text, references_of(value)))
    return at_least("similarity", nearest, assertion.threshold, THRESHOLD)


SIMILAR = Asked(evaluate=similar)
