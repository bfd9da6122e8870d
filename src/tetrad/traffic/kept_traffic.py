"""Live answers and feedback as they are kept: without personal data and credentials."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from tetrad.canonical import Digest, digest_bytes
from tetrad.results.codec import Codec
from tetrad.results.exchange import Request
from tetrad.results.trace import Generated, Trace
from tetrad.runtime.redaction import redacted, redacted_json

Rating: TypeAlias = Literal["good", "bad"]

LARGEST = 128 * 1024  # bytes of one answer with its steps; a larger one is not kept
_CODEC = Codec()


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAnswer:
    """One live answer with its steps. The request's messages are left out: the prompt makes them."""

    id: str
    trace: str  # of the request; a caller's trace may have several answers
    at: datetime
    environment: str
    stack: str  # reference
    identity: Digest
    tenant: str = ""  # whose request it was
    sampled: bool  # in the declared sample, or kept for its feedback alone
    answer: Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """What somebody said of an answer."""

    id: str
    at: datetime
    answer: str  # the id of the one that it is about
    trace: str
    environment: str
    stack: str
    identity: Digest
    rating: Rating
    comment: str = ""
    correction: str | None = None  # what should have been answered
    tenant: str = ""


def new_id() -> str:
    """The id of an answer or of feedback."""
    return secrets.token_hex(8)


def is_sampled(trace: str, share: float) -> bool:
    """Whether an answer belongs to the sample: each with the same chance, and always the same ones."""
    drawn = digest_bytes(f"sample {trace}".encode()).hex
    return int(drawn[:8], 16) / 2**32 < share


def kept_answer(  # noqa: PLR0913 - all that is known of it
    answer: Trace,
    *,
    id: str,  # noqa: A002 - the word of the formats
    trace: str,
    at: datetime,
    environment: str,
    stack: str,
    identity: Digest,
    sampled: bool,
    tenant: str = "",
) -> KeptAnswer | None:
    """The answer as it is kept; None where it is too large."""
    written = _written(_without_messages(answer))
    if len(written.encode()) > LARGEST:  # before it is searched, which takes its time
        return None
    return KeptAnswer(
        id=id,
        trace=trace,
        at=at,
        environment=environment,
        stack=stack,
        identity=identity,
        tenant=tenant,
        sampled=sampled,
        answer=_CODEC.load(Trace, redacted_json(json.loads(written))),
    )


def feedback_on(
    answer: KeptAnswer,
    *,
    at: datetime,
    rating: Rating,
    comment: str = "",
    correction: str | None = None,
) -> Feedback:
    """What is kept of somebody's words about an answer."""
    return Feedback(
        id=new_id(),
        at=at,
        answer=answer.id,
        trace=answer.trace,
        environment=answer.environment,
        stack=answer.stack,
        identity=answer.identity,
        rating=rating,
        comment=redacted(comment),
        correction=None if correction is None else redacted(correction),
        tenant=answer.tenant,
    )


def written_answer(answer: Trace) -> bytes:
    return _written(answer).encode()


def read_answer(data: bytes) -> Trace:
    return _CODEC.load(Trace, json.loads(data))


def _written(value: Any) -> str:
    return json.dumps(_CODEC.dump(value), ensure_ascii=False, separators=(",", ":"), default=dict)


def _without_messages(answer: Trace) -> Trace:
    steps = tuple(
        replace(step, request=Request(style=step.request.style, messages=()))
        if isinstance(step, Generated)
        else step
        for step in answer.steps
    )
    return replace(answer, steps=steps)
