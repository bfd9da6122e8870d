"""The gateway's HTTP application, made from what it depends on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Lifespan

from tetrad.gateway.chat_completions import complete_chat
from tetrad.gateway.collaborators import Gateway
from tetrad.gateway.daemon_threads import in_daemon_thread
from tetrad.gateway.feedback import take_feedback
from tetrad.gateway.incoming import ClientGone
from tetrad.gateway.refusing import RequestRefused
from tetrad.gateway.stack_answers import answer_stack
from tetrad.gateway.status_routes import (
    get_docs,
    get_health,
    get_identity,
    get_metrics,
    get_model,
    get_openapi,
    get_readiness,
    list_models,
)
from tetrad.gateway.traced import Traced
from tetrad.model.serving import Access, Client
from tetrad.telemetry.trace_context import TraceContext

_LOG = logging.getLogger("tetrad.gateway")

Endpoint: TypeAlias = Callable[[Request, Gateway], Awaitable[Response]]


def create_app(gateway: Gateway, *, further: Sequence[Route] = ()) -> Starlette:
    """The application; it follows the pointer while it runs. `further` are routes beside its own."""

    def route(path: str, endpoint: Endpoint, method: str = "GET") -> Route:
        async def bound(request: Request) -> Response:
            if path.startswith("/v1/"):
                request.state.client = _client(request, gateway)
            return await endpoint(request, gateway)

        return Route(path, bound, methods=[method])

    return Starlette(
        routes=[
            route("/v1/chat/completions", complete_chat, "POST"),
            route("/v1/stacks/{stack:path}/answer", answer_stack, "POST"),
            route("/v1/feedback", take_feedback, "POST"),
            route("/v1/models", list_models),
            route("/v1/models/{model:path}", get_model),
            route("/identity", get_identity),
            route("/readyz", get_readiness),
            route("/metrics", get_metrics),
            route("/openapi.json", get_openapi),
            route("/docs", get_docs),
            Route("/healthz", get_health),
            *further,
        ],
        middleware=[Middleware(Traced, tracing=gateway.tracing)],
        exception_handlers={
            RequestRefused: _refuse,
            ClientGone: _nobody,
            HTTPException: _refuse_route,
            Exception: _fail,
        },
        lifespan=_lifespan(gateway),
    )


def _client(request: Request, gateway: Gateway) -> Client:
    """Who asks, by the pointer that is followed now; whoever asks before there is one gets nothing."""
    followed = gateway.following.fleet.followed
    access = Access() if followed is None else followed.pointer.access
    return gateway.callers.who(access, request.headers.get("authorization"))


def _lifespan(gateway: Gateway) -> Lifespan[Starlette]:
    following = gateway.following

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        following.begin()
        writing = asyncio.create_task(gateway.recent.write_sample())
        telling = asyncio.create_task(gateway.limiter.money.keep_telling())
        try:
            yield
        finally:
            writing.cancel()
            telling.cancel()
            await following.end()
            await following.fleet.close()
            await gateway.limiter.money.tell()
            await gateway.recent.close()
            if gateway.tracing is not None:
                await in_daemon_thread(gateway.tracing.close)

    return lifespan


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefused)  # noqa: S101 - handlers are called by type
    return error.response()


async def _refuse_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    what = f"{request.method} {request.url.path}"
    message = f"{what}: {error.detail.lower()}; GET /openapi.json lists what there is"
    return RequestRefused(error.status_code, message, headers=error.headers or {}).response()


async def _nobody(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # whom it would be sent to has gone


async def _fail(request: Request, _: Exception) -> Response:
    context: TraceContext = request.state.trace
    _LOG.error("%s: %s %s failed", context.trace, request.method, request.url.path)
    return RequestRefused(
        500, "internal error; see the trace id in the gateway's log", code="internal_error"
    ).response()
