"""`/v1/stacks/NAME/answer`: a prompt's variables in; the answer out, with what it rests on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tetrad.canonical import Json, as_digested
from tetrad.gateway.answering_one import Inputs, finish_of
from tetrad.gateway.collaborators import Gateway
from tetrad.gateway.confirmations import confirmed_in, unconfirmed_in
from tetrad.gateway.event_stream import EventStream
from tetrad.gateway.incoming import read_object, unless_gone
from tetrad.gateway.refusing import RequestRefused, as_json
from tetrad.gateway.routing import RoutedRequest, route_request
from tetrad.gateway.serving_one import served, served_in_pieces
from tetrad.protocols import openai as wire
from tetrad.results.trace import Guarded, Trace
from tetrad.runtime.confirming import NO_CALL, ConfirmedCalls

_KEYS = frozenset({"confirmed", "stream", "user", "variables"})


async def answer_stack(request: Request, gateway: Gateway) -> Response:
    body = await read_object(request)
    asked = route_request(request, gateway.following, request.path_params["stack"], user_in(body))
    calls = tuple(confirmed_in(body, asked.headers))
    confirmed = ConfirmedCalls(calls) if calls else NO_CALL
    inputs = Inputs(variables=_variables(body, asked), confirmed=confirmed)
    if _is_streamed(body, asked):
        pieces = served_in_pieces(gateway, asked, inputs)
        return EventStream(_events(asked, pieces), lambda: asked.headers)
    trace = await unless_gone(request.receive, served(gateway, asked, inputs))
    return as_json(_answer(asked, trace), headers=asked.headers)


async def _events(
    asked: RoutedRequest, pieces: AsyncGenerator[str | Trace, None]
) -> AsyncGenerator[bytes, None]:
    """`delta` events, whose texts are the answer, and `answer` or `error` at the end."""
    begun = False
    async with aclosing(pieces):
        try:
            async for piece in pieces:
                begun = True
                if isinstance(piece, Trace):
                    yield _event("answer", _answer(asked, piece))
                else:
                    yield _event("delta", {"text": piece})
        except RequestRefused as refused:
            if not begun:
                raise
            yield _event("error", refused.body())


def _event(name: str, value: Mapping[str, Any]) -> bytes:
    return f"event: {name}\n".encode() + wire.event(value)


def _is_streamed(body: Mapping[str, Json], asked: RoutedRequest) -> bool:
    stream = body.get("stream", False)
    if not isinstance(stream, bool):
        raise RequestRefused(
            400, "stream must be true or false", param="stream", headers=asked.headers
        )
    return stream


def user_in(body: Mapping[str, Json]) -> str | None:
    user = body.get("user")
    if user is not None and not isinstance(user, str):
        raise RequestRefused(400, "user must be a text", param="user")
    return user


def _variables(body: Mapping[str, Json], asked: RoutedRequest) -> Mapping[str, Json]:
    for key in body.keys() - _KEYS:
        raise RequestRefused(
            400,
            f"unknown key {key!r}; the body takes {', '.join(sorted(_KEYS))}",
            param=key,
            headers=asked.headers,
        )
    variables = body.get("variables")
    if not isinstance(variables, dict):
        raise RequestRefused(
            400, "variables must be an object", param="variables", headers=asked.headers
        )
    digested: dict[str, Json] = as_digested(variables)  # JSON Schema takes 1.0 for an integer
    return digested


def _answer(asked: RoutedRequest, trace: Trace) -> dict[str, Any]:
    usage = trace.usage
    return {
        "answer": trace.output,
        "stack": asked.stack,
        "identity": asked.identity,
        "deployment": asked.deployment,
        "trace": asked.trace,
        "fallback": asked.fallback or None,
        "finish_reason": finish_of(trace),
        "sources": [
            {"document": p.document, "chunk": p.chunk, "text": p.text, "score": p.score}
            for p in trace.passages
        ],
        "guardrails": [
            {"rule": step.rule, "detail": step.detail}
            for step in trace.steps
            if isinstance(step, Guarded)
        ],
        "unconfirmed": unconfirmed_in(trace),
        "usage": {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_input_tokens": usage.cached_input_tokens,
        },
    }
