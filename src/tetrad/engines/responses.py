"""Reading what an endpoint sends back, within limits, and the client that it is asked with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from tetrad.protocols.openai import AnswerStream, Unreadable, decode
from tetrad.results.exchange import Completion, Request

if TYPE_CHECKING:
    import httpx2

_SIZE_LIMIT = 16_000_000
_CONNECT_S = 10.0
_LAST_WORDS_S = 0.5  # of a stream whose answer is whole


class TooLarge(Unreadable):
    """An answer that no second try makes readable."""


def client_for(base_url: str, api_key: str | None) -> httpx2.AsyncClient:
    import httpx2

    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    return httpx2.AsyncClient(
        headers=headers,
        # how many connections there are is the throttle's to say
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
        # every attempt runs under one asyncio.timeout
        timeout=httpx2.Timeout(None, connect=_CONNECT_S),
        # no certificates are read for an address that shows none
        verify=base_url.lower().startswith("https:"),
    )


def is_whole(response: httpx2.Response) -> bool:
    """Servers that cannot stream answer whole, whatever was asked for."""
    return str(response.headers.get("Content-Type", "")).startswith("application/json")


class Live:
    """An answer in server-sent events, read as they arrive.

    Whoever reads may take as long as they like; waiting for the server ends with `timeout_s`.
    """

    def __init__(self, response: httpx2.Response, *, started: float, timeout_s: float) -> None:
        """`started`, by the performance counter, is when the answer was asked for."""
        self.first = ""  # of the text, where somebody looked for it
        self._started = started
        self._left_s = timeout_s - self._elapsed()
        self._pieces = _pieces(response)
        self._events = AnswerStream()
        self._first_token_s: float | None = None
        self._held: AsyncExitStack | None = None

    async def has_begun(self) -> bool:
        """Wait for the `first` text; False where the answer has none."""
        self.first = await self.text()
        return bool(self.first)

    async def text(self) -> str:
        """What comes next of the text; empty once the answer has ended."""
        while not self._events.done and (piece := await self._next()) is not None:
            self._events.feed(piece)
            if self._first_token_s is None and self._events.begun:
                self._first_token_s = self._elapsed()
            if text := self._events.fresh():
                return text
        return ""

    async def whole(self) -> Completion:
        """The answer, with what has yet to come of it; Cut where the stream ends too early."""
        while await self.text():
            pass
        latency_s = self._elapsed()
        await _run_out(self._pieces)
        completion = self._events.completion()
        return replace(completion, latency_s=latency_s, first_token_s=self._first_token_s)

    def hold(self, response: AsyncExitStack) -> Self:
        """Keep the response open until this is closed."""
        self._held = response
        return self

    async def aclose(self) -> None:
        await self._pieces.aclose()
        if self._held is not None:
            await self._held.aclose()

    async def _next(self) -> bytes | None:
        asked = time.perf_counter()
        async with asyncio.timeout(self._left_s):
            piece = await anext(self._pieces, None)
        self._left_s -= time.perf_counter() - asked
        return piece

    def _elapsed(self) -> float:
        return time.perf_counter() - self._started


async def whole_of(response: httpx2.Response, request: Request, started: float) -> Completion:
    """The answer in a response that is one JSON text."""
    completion = decode(await all_of(response), request)
    return replace(completion, latency_s=time.perf_counter() - started)


async def _run_out(pieces: AsyncIterator[bytes]) -> None:
    """Read what follows the answer's end: mostly nothing, and then the connection serves again.

    A server that goes on, or never ends its response, takes nothing of the answer away.
    """
    import httpx2

    with suppress(TimeoutError, httpx2.TransportError, Unreadable):
        async with asyncio.timeout(_LAST_WORDS_S):
            async for _ in pieces:
                pass


async def all_of(response: httpx2.Response) -> bytes:
    return b"".join([piece async for piece in _pieces(response)])


async def _pieces(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    """The body as it arrives, up to a size that no answer has."""
    # Undecoded: nothing was said to be acceptable, and a few compressed bytes can unfold to gigabytes.
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise TooLarge("the response is compressed, which was not requested")
    size = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > _SIZE_LIMIT:
            raise TooLarge(f"the answer is larger than {_SIZE_LIMIT // 1_000_000} MB")
        yield piece
