"""`/v1/feedback`: what somebody says of an answer, by its trace id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tetrad.errors import DatabaseError
from tetrad.gateway.collaborators import Gateway
from tetrad.gateway.incoming import read_object
from tetrad.gateway.openapi_schemas import MAX_TEXT, RATINGS
from tetrad.gateway.refusing import RequestRefused, as_json
from tetrad.traffic import KeptAnswer, feedback_on

_TRACE = re.compile(r"[0-9a-f]{32}\Z")
_KEYS = frozenset({"trace", "rating", "comment", "correction"})


async def take_feedback(request: Request, gateway: Gateway) -> Response:
    body = await read_object(request)
    trace, rating, comment, correction = _read(body)
    try:
        answer = await gateway.recent.spoken_of(trace, request.state.client.tenant)
        if answer is None:
            raise RequestRefused(
                404, "unknown trace, or its answer is no longer kept", param="trace"
            )
        said = feedback_on(
            answer,
            at=datetime.now(UTC),
            rating=rating,
            comment=comment or "",
            correction=correction,
        )
        await gateway.recent.keep(answer, said)
    except DatabaseError as error:
        raise RequestRefused(
            503, "the registry does not answer; send it again", headers={"Retry-After": "5"}
        ) from error
    _count(gateway, answer, said.rating)
    return as_json({"id": said.id}, 201)


def _read(body: Mapping[str, Any]) -> tuple[str, Any, str | None, str | None]:
    for key in sorted(body.keys() - _KEYS):
        raise RequestRefused(400, f"unknown key {key!r}", param=key)
    trace, rating = body.get("trace"), body.get("rating")
    if not isinstance(trace, str) or not _TRACE.match(trace):
        raise RequestRefused(
            400, "trace must be the 32 hexadecimal digits of x-tetrad-trace", param="trace"
        )
    if rating not in RATINGS:
        raise RequestRefused(400, f"rating must be {' or '.join(RATINGS)}", param="rating")
    return trace, rating, _text(body, "comment"), _text(body, "correction")


def _text(body: Mapping[str, Any], key: str) -> str | None:
    text = body.get(key)
    if text is not None and (not isinstance(text, str) or len(text) > MAX_TEXT):
        raise RequestRefused(
            400, f"{key} must be a text of at most {MAX_TEXT:,} characters", param=key
        )
    return text


def _count(gateway: Gateway, answer: KeptAnswer, rating: str) -> None:
    """Where the identity still answers here; a metric of another would never go away."""
    followed = gateway.following.fleet.followed
    for loaded in () if followed is None else followed.loaded.values():
        if (loaded.stack.ref, loaded.served.identity) == (answer.stack, answer.identity):
            gateway.metrics.rated(loaded.names, rating)
