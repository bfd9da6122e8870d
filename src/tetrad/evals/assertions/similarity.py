"""The assertion on meaning: similar, the cosine of two embeddings."""

from __future__ import annotations

from tetrad.canonical import Json
from tetrad.evals.assertions.overlap import at_least
from tetrad.evals.assertions.values import as_text
from tetrad.evals.assertions.verdict import Answered, Asked, Services, Verdict
from tetrad.spec.model import Assertion

THRESHOLD = 0.75


async def similar(
    value: Json, assertion: Assertion, answered: Answered, services: Services
) -> Verdict:
    """As near in meaning as the threshold; of several references the nearest counts."""
    references = (value,) if isinstance(value, str) else tuple(map(as_text, _listed(value)))
    nearest = max(await services.similarities(answered.text, references))
    return at_least("similarity", nearest, assertion.threshold, THRESHOLD)


def _listed(value: Json) -> tuple[Json, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


SIMILAR = Asked(evaluate=similar)
