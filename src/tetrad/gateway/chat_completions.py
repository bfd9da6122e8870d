"""`/v1/chat/completions`: a conversation in, by OpenAI's protocol; the stack's answer out.

A client sets nothing that was not evaluated: what it gives beside the conversation must be what the
stack has anyway.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response

from tetrad.errors import BadRequest
from tetrad.gateway.answering_one import Inputs, finish_of
from tetrad.gateway.chat_turns import chat_turns
from tetrad.gateway.collaborators import Gateway
from tetrad.gateway.evaluated import refuse_unevaluated
from tetrad.gateway.event_stream import EventStream
from tetrad.gateway.incoming import read_object, unless_gone
from tetrad.gateway.proposals import Asker
from tetrad.gateway.refusing import RequestRefused, as_json
from tetrad.gateway.routing import RoutedRequest, route_request, user_of
from tetrad.gateway.serving_one import served, served_in_pieces
from tetrad.protocols import openai as wire
from tetrad.results.exchange import ToolCall
from tetrad.results.trace import Trace
from tetrad.runtime.chat import asked_in


async def complete_chat(request: Request, gateway: Gateway) -> Response:
    body = await read_object(request)
    try:
        chat = wire.chat_request(body)
    except wire.InvalidChat as error:
        raise RequestRefused(400, str(error), param=error.param, code=error.code) from error
    asked = route_request(request, gateway.following, chat.model, chat.user)
    try:
        inputs = _inputs(gateway, asked, chat)
    except RequestRefused as refused:
        refused.headers = asked.headers
        raise
    if chat.stream:
        pieces = served_in_pieces(gateway, asked, inputs)
        return EventStream(_events(gateway, asked, chat, pieces), lambda: asked.headers)
    trace = await unless_gone(request.receive, served(gateway, asked, inputs))
    proposed = _proposed(gateway, asked, chat, trace)
    completion = wire.chat_completion(
        _head(asked, chat),
        trace.output,
        finish_reason=_finish(trace, proposed),
        tool_calls=proposed,
        usage=trace.usage,
    )
    return as_json(completion, headers=asked.headers)


def _head(asked: RoutedRequest, chat: wire.ChatRequest) -> wire.ReplyHead:
    """Of whoever answers, which is known with the answer's beginning."""
    return wire.ReplyHead(
        id=f"chatcmpl-{asked.trace}",
        created=int(time.time()),
        model=chat.model,
        system_fingerprint=asked.identity,
        metadata={"tetrad_fallback": asked.fallback} if asked.fallback else None,
    )


def _inputs(gateway: Gateway, asked: RoutedRequest, chat: wire.ChatRequest) -> Inputs:
    """What the prompt's `chat:` makes of the conversation; RequestRefused where it takes none."""
    stack = asked.loaded.stack
    refuse_unevaluated(stack, chat.options)
    said = chat_turns(chat.messages, stack)
    try:
        variables, history = asked_in(stack.prompt, said.turns)
    except BadRequest as error:
        raise RequestRefused(400, str(error), param="messages") from error
    return Inputs(
        variables=variables,
        history=history,
        confirmed=gateway.proposals.confirmed(said.confirmed, _asker(gateway, asked, chat)),
    )


def _asker(gateway: Gateway, asked: RoutedRequest, chat: wire.ChatRequest) -> Asker:
    header = asked.request.headers.get("authorization", "") if asked.client.tenant else ""
    api_key = header.partition(" ")[2].strip()
    return gateway.proposals.asker(api_key, asked.stack, user_of(asked.request, chat.user))


def _proposed(
    gateway: Gateway, asked: RoutedRequest, chat: wire.ChatRequest, trace: Trace
) -> tuple[ToolCall, ...]:
    """The calls that wait for a confirmation."""
    return tuple(gateway.proposals.proposed(trace.unconfirmed, _asker(gateway, asked, chat)))


def _finish(trace: Trace, proposed: tuple[ToolCall, ...]) -> str:
    return "tool_calls" if proposed else finish_of(trace)


async def _events(
    gateway: Gateway,
    asked: RoutedRequest,
    chat: wire.ChatRequest,
    pieces: AsyncGenerator[str | Trace, None],
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
                    proposed = _proposed(gateway, asked, chat, piece)
                    for place, call in enumerate(proposed):
                        yield events.call(call, place)
                    yield events.end(_finish(piece, proposed), piece.usage)
                else:
                    yield events.text(piece)
        except RequestRefused as refused:
            if events is None:
                raise
            yield wire.event(refused.body())
