"""Every request has a trace: its id is in the answer, and its spans go where the operator asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tetrad.telemetry import Outcome
from tetrad.telemetry.trace_context import TraceContext

if TYPE_CHECKING:
    from tetrad.telemetry.spans import RequestSpans, Tracing


_GONE = 499  # no answer: whoever asked had left
_ROUTES = {
    "/v1/chat/completions": "/v1/chat/completions",
    "/v1/feedback": "/v1/feedback",
}


class Traced:
    """Takes a caller's trace over, or begins one, for whatever is asked."""

    def __init__(self, app: ASGIApp, tracing: Tracing | None) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = TraceContext.of(Headers(scope=scope).get("traceparent"))
        spans, status = self._spans(scope, context), _GONE
        scope.setdefault("state", {}).update(trace=context, spans=spans, outcome=None)

        async def send_traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                header = (b"x-tetrad-trace", context.trace.encode())
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        try:
            await self._app(scope, receive, send_traced)
        finally:
            if spans is not None:
                outcome = scope["state"]["outcome"] or _outcome(status)
                spans.end(outcome=outcome, status=status, error=_error(outcome, status))

    def _spans(self, scope: Scope, context: TraceContext) -> RequestSpans | None:
        """Those of requests for answers; health checks would drown them."""
        route = _route(scope["path"])
        if self._tracing is None or route is None:
            return None
        return self._tracing.begin(
            context,
            method=scope["method"],
            route=route,
            path=scope["path"],
            scheme=scope.get("scheme", "http"),
        )


def _route(path: str) -> str | None:
    if path.startswith("/v1/stacks/") and path.endswith("/answer"):
        return "/v1/stacks/{stack}/answer"
    return _ROUTES.get(path)


def _outcome(status: int) -> Outcome:
    """Of a request that no identity was asked for."""
    if status == _GONE:
        return "cancelled"
    if status >= 500:
        return "failed"
    return "refused" if status >= 400 else "answered"


def _error(outcome: Outcome, status: int) -> str:
    if outcome == "cancelled":
        return "cancelled"
    return str(status) if outcome == "failed" or status >= 400 else ""
