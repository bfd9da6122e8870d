"""Answers as server-sent events, for clients that read slowly, or leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tetrad.gateway.connections import cut_off
from tetrad.gateway.incoming import ClientGone, unless_gone

SEND_S = 30.0  # for a client to take what was sent; who takes longer has left


class EventStream(Response):
    """Sends events as they come. Nothing is sent before the first: until then a request can be
    refused with a status of its own.
    """

    def __init__(
        self, events: AsyncGenerator[bytes, None], headers: Callable[[], Mapping[str, str]]
    ) -> None:
        """`headers` is asked when the first event has come."""
        super().__init__(
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            media_type="text/event-stream",
        )
        del self.headers["content-length"]
        self._events = events
        self._further = headers
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await unless_gone(receive, self._send(send))
        except (ClientGone, asyncio.CancelledError):
            if not self._begun:
                raise
            await cut_off(scope)

    async def _send(self, send: Send) -> None:
        async with aclosing(self._events) as events:
            async for event in events:
                if not self._begun:
                    self.headers.update(self._further())
                    await send(
                        {
                            "type": "http.response.start",
                            "status": self.status_code,
                            "headers": self.raw_headers,
                        }
                    )
                    self._begun = True
                try:
                    async with asyncio.timeout(SEND_S):
                        await send({"type": "http.response.body", "body": event, "more_body": True})
                except TimeoutError as error:
                    raise ClientGone from error
            await send({"type": "http.response.body", "body": b"", "more_body": False})
