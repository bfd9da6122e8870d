"""Connections that cannot be held open, or filled, by whoever sends slowly or too much.

uvicorn waits for a request's head as long as it takes, and keeps all of it; and it reads on after an
answer that came before the request's end.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 10.0  # from the connection, or a request's first byte, to the end of its headers
MAX_HEAD = 65_536  # bytes of headers
LINGER_S = 10.0  # what a client still sends after its answer is read for so long, and dropped

_CUT_OFF = "tetrad.cut_off"  # an extension of ASGI, which has no end of a response but its whole
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class GuardedConnection(HttpToolsProtocol):
    """One client's connection."""

    _timer: asyncio.TimerHandle | None = None
    _is_in_head = True
    _head = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._close_in(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._is_in_head:
            self._head = 0
            return
        self._head += len(data)
        if self._head > MAX_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_CUT_OFF: {"now": self.cut_off}}
        self._is_in_head = True
        self._close_in(HEAD_S)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self.cycle.response_complete:  # what came late was dropped
            self._stop_timer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.more_body and not self.pipeline:
            self._close_in(LINGER_S)

    def cut_off(self) -> None:
        """Close it without what is still to be sent, so that nobody takes its end for the answer's."""
        self.transport.abort()

    def _close_in(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


async def cut_off(scope: Scope) -> None:
    """Close a request's connection within its answer."""
    scope["extensions"][_CUT_OFF]["now"]()
    await asyncio.sleep(0)  # the connection hears of it first, and then of the answer's end
