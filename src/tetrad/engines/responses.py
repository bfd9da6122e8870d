"""Reading what an endpoint sends back, within limits, and the client that it is asked with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from tetrad.protocols.openai import AnswerStream, Unreadable
from tetrad.results.exchange import Completion

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


async def streamed(response: httpx2.Response, started: float) -> Completion:
    stream = AnswerStream()
    first: float | None = None
    pieces = _pieces(response)
    async for piece in pieces:
        stream.feed(piece)
        if first is None and stream.begun:
            first = time.perf_counter() - started
        if stream.done:
            break
    latency = time.perf_counter() - started
    await _run_out(pieces)
    return replace(stream.completion(), latency_s=latency, first_token_s=first)


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


async def _pieces(response: httpx2.Response) -> AsyncIterator[bytes]:
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
