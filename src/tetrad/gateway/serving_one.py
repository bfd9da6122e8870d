"""One answer as it is served: within the limits, given again to the same request, and replaced
where none comes about.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from tetrad.gateway.answering_one import Inputs, UpstreamFailed, answered, streamed
from tetrad.gateway.collaborators import Gateway
from tetrad.gateway.limiting.fallbacks import declared_fallback
from tetrad.gateway.limiting.kept_responses import ResponseKey, request_key
from tetrad.gateway.limiting.limiter import Permit, Use
from tetrad.gateway.refusing import RequestRefused
from tetrad.gateway.routing import RoutedRequest
from tetrad.results.trace import Trace
from tetrad.runtime.confirming import NO_CALL

if TYPE_CHECKING:
    from tetrad.telemetry.spans import RequestSpans


async def served(gateway: Gateway, asked: RoutedRequest, inputs: Inputs) -> Trace:
    """The answer; afterwards `asked` says who gave it."""
    trace: Trace | None = None
    async with aclosing(served_in_pieces(gateway, asked, inputs, stream=False)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Trace):
                trace = piece
    assert trace is not None  # noqa: S101 - an answer ends with it
    return trace


async def served_in_pieces(
    gateway: Gateway, asked: RoutedRequest, inputs: Inputs, *, stream: bool = True
) -> AsyncGenerator[str | Trace, None]:
    """The same as it comes: pieces of its text, then the trace."""
    _name_in_spans(asked)
    try:
        trace = _given_again(gateway, asked, inputs)
        if trace is None:
            async with gateway.limiter.admitted(_use(asked)) as permit:
                asked.permit = permit
                begun = False
                try:
                    answer = _answer(gateway, asked, inputs, permit, stream=stream)
                    async with aclosing(answer) as pieces:
                        async for piece in pieces:
                            begun = True
                            yield piece
                except UpstreamFailed as failed:
                    if begun:
                        raise
                    trace = await _instead(gateway, asked, inputs, permit, failed)
        if trace is not None:
            if stream and trace.output:
                yield trace.output
            yield trace
    except RequestRefused as refused:
        refused.headers = {**asked.headers, **refused.headers}
        if refused.status == 429:
            asked.request.state.outcome = "limited"
        raise


async def _answer(
    gateway: Gateway, asked: RoutedRequest, inputs: Inputs, permit: Permit, *, stream: bool
) -> AsyncGenerator[str | Trace, None]:
    """By the identity itself; kept for the same request, where the stack says for how long."""
    if not stream:
        trace = await answered(gateway, asked, inputs, permit)
        _keep(gateway, asked, inputs, trace)
        yield trace
        return
    async with aclosing(streamed(gateway, asked, inputs, permit)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Trace):
                _keep(gateway, asked, inputs, piece)
            yield piece


async def _instead(
    gateway: Gateway, asked: RoutedRequest, inputs: Inputs, permit: Permit, failed: UpstreamFailed
) -> Trace:
    """The answer of the declared fallback; the failure where there is none."""
    instead = declared_fallback(gateway.following.fleet, asked, has_written=failed.has_written)
    if instead is None:
        raise failed
    if instead.loaded is None:
        trace = Trace(vars=inputs.variables, steps=(), output=instead.answer)
    else:
        other = replace(asked, stack=instead.stack, loaded=instead.loaded)
        instead.loaded.choose(other.serving.queue)
        try:
            trace = await answered(gateway, other, inputs, permit)
        except RequestRefused as refused:
            raise failed from refused
    gateway.metrics.fell_back(asked.loaded.names, instead.name)
    asked.request.state.outcome = "answered"
    if (spans := _spans_of(asked)) is not None:
        spans.fell_back(instead.name)
    asked.fell_back(instead.name, instead.stack, instead.loaded)
    return trace


def _spans_of(asked: RoutedRequest) -> RequestSpans | None:
    spans: RequestSpans | None = asked.request.state.spans
    return spans


def _name_in_spans(asked: RoutedRequest) -> None:
    """Say who was chosen, also of a request that gets no answer of its own."""
    spans, pointer = _spans_of(asked), asked.followed.pointer
    if spans is not None:
        spans.chosen(asked.loaded.names, environment=pointer.environment, deployment=pointer.number)


def _use(asked: RoutedRequest) -> Use:
    serving, client = asked.serving, asked.client
    limits = {
        "environment": asked.followed.pointer.access.limits,
        f"stack {asked.stack}": serving.limits,
    }
    if client.tenant:
        limits[f"client {client.tenant}"] = client.limits
    return Use(stack=asked.stack, queue=serving.queue, limits=limits)


def _given_again(gateway: Gateway, asked: RoutedRequest, inputs: Inputs) -> Trace | None:
    """The answer to an earlier, equal request. It is a request all the same."""
    if asked.serving.cache_s is None or inputs.confirmed is not NO_CALL:  # it shall be done
        return None
    now = time.monotonic()
    kept = gateway.responses.find(_key(asked, inputs), now)
    if kept is None:
        return None
    gateway.limiter.count(_use(asked))
    gateway.metrics.reused(asked.loaded.names)
    gateway.recent.answered(asked, kept.trace)
    asked.request.state.outcome = "answered"
    if (spans := _spans_of(asked)) is not None:
        spans.given_again()
    asked.told = {"x-tetrad-cache": "hit", "Age": str(int(now - kept.at))}
    return kept.trace


def _keep(gateway: Gateway, asked: RoutedRequest, inputs: Inputs, trace: Trace) -> None:
    """Not where a tool has written: who asks again means it."""
    ttl_s = asked.serving.cache_s
    called = (one.call.name for one in trace.called)
    if ttl_s is not None and not asked.loaded.stack.may_write(called):
        gateway.responses.keep(_key(asked, inputs), trace, ttl_s, time.monotonic())


def _key(asked: RoutedRequest, inputs: Inputs) -> ResponseKey:
    return request_key(
        asked.client.tenant,
        asked.stack,
        asked.loaded.served.identity,
        inputs.variables,
        inputs.history,
    )
