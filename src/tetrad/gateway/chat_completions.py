"""`/v1/chat/completions`: a conversation in, by OpenAI's protocol; the stack's answer out.

A client sets nothing that was not evaluated: what it gives beside the conversation must be what the
stack has anyway.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tetrad.errors import BadRequest
from tetrad.gateway.answering_one import Inputs, finish_of
from tetrad.gateway.collaborators import Gateway
from tetrad.gateway.evaluated import refuse_unevaluated
from tetrad.gateway.event_stream import EventStream
from tetrad.gateway.incoming import read_object, unless_gone
from tetrad.gateway.one_request import Addressed, addressed
from tetrad.gateway.refusing import RequestRefused, as_json
from tetrad.gateway.serving_one import served, served_in_pieces
from tetrad.model import Turn
from tetrad.protocols import openai as wire
from tetrad.results.exchange import Message
from tetrad.results.trace import Trace
from tetrad.runtime.chat import asked_in


async def complete_chat(request: Request, gateway: Gateway) -> Response:
    body = await read_object(request)
    try:
        chat = wire.chat_request(body)
    except wire.InvalidChat as error:
        raise RequestRefused(400, str(error), param=error.param, code=error.code) from error
    asked = addressed(request, gateway.following, chat.model, chat.user)
    try:
        inputs = _inputs(asked, chat)
    except RequestRefused as refused:
        refused.headers = asked.headers
        raise
    if chat.stream:
        pieces = served_in_pieces(gateway, asked, inputs)
        return EventStream(_events(asked, chat, pieces), lambda: asked.headers)
    trace = await unless_gone(request.receive, served(gateway, asked, inputs))
    return as_json(_completion(_head(asked, chat), trace), headers=asked.headers)


def _head(asked: Addressed, chat: wire.ChatRequest) -> wire.ReplyHead:
    """Of whoever answers, which is known with the answer's beginning."""
    return wire.ReplyHead(
        id=f"chatcmpl-{asked.trace}",
        created=int(time.time()),
        model=chat.model,
        system_fingerprint=asked.identity,
        metadata={"tetrad_fallback": asked.fallback} if asked.fallback else None,
    )


def _inputs(asked: Addressed, chat: wire.ChatRequest) -> Inputs:
    """What the prompt's `chat:` makes of the conversation; RequestRefused where it takes none."""
    stack = asked.loaded.stack
    refuse_unevaluated(stack, chat.options)
    turns = [_turn(message, place) for place, message in enumerate(chat.messages)]
    try:
        variables, history = asked_in(stack.prompt, turns)
    except BadRequest as error:
        raise RequestRefused(400, str(error), param="messages") from error
    return Inputs(variables=variables, history=history)


def _turn(message: Message, place: int) -> Turn:
    if message.role not in {"user", "assistant"}:
        raise RequestRefused(
            400,
            f"messages[{place}].role is {message.role!r}: the stack has its own instructions and"
            " tools; send what the user and the assistant said",
            param=f"messages[{place}].role",
            code="unsupported_value",
        )
    if message.tool_calls:
        raise RequestRefused(
            400,
            f"messages[{place}].tool_calls: the stack calls its tools itself",
            param=f"messages[{place}].tool_calls",
            code="unsupported_value",
        )
    return Turn(role="user" if message.role == "user" else "assistant", content=message.content)


def _completion(head: wire.ReplyHead, trace: Trace) -> Mapping[str, Any]:
    return wire.chat_completion(
        head, trace.output, finish_reason=finish_of(trace), usage=trace.usage
    )


async def _events(
    asked: Addressed, chat: wire.ChatRequest, pieces: AsyncGenerator[str | Trace, None]
) -> AsyncGenerator[bytes, None]:
    events: wire.ChatEvents | None = None
    async with aclosing(pieces):
        try:
            async for piece in pieces:
                if events is None:
                    head = _head(asked, chat)
                    events = wire.ChatEvents(head, include_usage=chat.include_usage)
                    yield events.begin()
                if isinstance(piece, Trace):
                    yield events.end(finish_of(piece), piece.usage)
                else:
                    yield events.text(piece)
        except RequestRefused as refused:
            if events is None:
                raise
            yield wire.event(refused.body())
