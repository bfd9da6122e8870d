"""Endpoints that speak OpenAI's protocol: vLLM, SGLang, TGI, Triton, Ollama, vendors.

One asynchronous client an engine, used from one event loop. What is sent and read is written for
the common part of what those servers understand; where they differ, a comment says who does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from tetrad.artifacts.backoff import RETRIED_STATUS, Backoff
from tetrad.artifacts.download import shown
from tetrad.errors import EngineUnavailable
from tetrad.protocols import openai as wire
from tetrad.results.exchange import Completion, Request, Usage

if TYPE_CHECKING:
    import httpx2

_SIZE_LIMIT = 16_000_000
_HINTS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "\n  help: check the key in the variable that `api_key_env` names",
    HTTPStatus.NOT_FOUND: "\n  help: check the address, which ends in /v1 for most servers, and the"
    " model's name; vendors often lack plain completions: `style: chat` in the prompt",
}
_LAST_WORDS_S = 0.5  # of a stream whose answer is whole
_TIMEOUTS = 2  # tries that may run into the timeout: each can be charged and takes its whole length


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where an endpoint is and how it is asked; only `build` reads the environment for it."""

    base_url: str
    api_key: str | None
    model: str
    timeout_s: float = 60.0
    concurrency: int = 32
    constrains: bool = False  # vLLM: the server can hold an answer to a choice of labels
    stream: bool = False  # measures the time to the first token, see `Endpoint`


class _Retryable(Exception):
    """A try that failed in a way that another may not."""

    def __init__(self, reason: str, retry_after: str | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class _OtherDialect(Exception):
    """The server refused how it was asked and takes it in another way."""

    def __init__(self, dialect: wire.Dialect) -> None:
        super().__init__()
        self.dialect = dialect


class _Filtered(Exception):
    """The provider's filter refused the request, which is what a user would get."""


class Endpoint:
    """An engine behind HTTP."""

    native_tools = True

    def __init__(
        self,
        address: Address,
        *,
        backoff: Backoff | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = f"openai {shown(address.base_url)}"
        self.concurrency = address.concurrency
        self._address = address
        self._backoff = backoff or Backoff()
        self._sleep = sleep
        # Made for the first request: a run whose answers are all kept never needs the 0.4 s that
        # the library and its certificates take.
        self._client: httpx2.AsyncClient | None = None
        self._urls: dict[str, httpx2.URL] = {}
        # Before the clock starts: waiting for a connection is not the endpoint's latency.
        self._slots = asyncio.Semaphore(address.concurrency)
        self._dialect = wire.Dialect(constrains=address.constrains)

    async def complete(self, request: Request) -> Completion:
        async with self._slots:
            return await self._persist(request)

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _persist(self, request: Request) -> Completion:
        retry = timeouts = 0
        while True:
            try:
                return await self._attempt(request)
            except _Retryable as exc:
                retry += 1
                timeouts += isinstance(exc.__cause__, TimeoutError)
                wait = self._backoff.wait_s(retry, exc.retry_after, now=datetime.now(UTC))
                if wait is None or timeouts >= _TIMEOUTS:
                    asked = "once" if retry == 1 else f"{retry} times"
                    raise self._unavailable(f"{exc} (asked {asked})") from exc
                await self._sleep(wait)

    async def _attempt(self, request: Request) -> Completion:
        dialect = self._dialect
        try:
            async with asyncio.timeout(self._address.timeout_s):
                return await self._exchange(request, dialect)
        except TimeoutError as exc:
            raise _Retryable(f"no answer in {self._address.timeout_s:g} s") from exc
        except wire.Cut as exc:
            raise _Retryable(str(exc)) from exc
        except wire.Unreadable as exc:
            raise self._unavailable(str(exc)) from exc
        except _Filtered:
            unknown = Usage(input_tokens=None, output_tokens=None)
            return Completion(text="", finish_reason="content_filter", usage=unknown)
        except _OtherDialect as other:
            self._dialect = other.dialect
            return await self._attempt(request)

    async def _exchange(self, request: Request, dialect: wire.Dialect) -> Completion:
        """One request over the wire, and the answer in it."""
        import httpx2

        address = self._address
        body = wire.encode(request, address.model, dialect, stream=address.stream)
        try:
            client = self._client = self._client or _client(address)
            started = time.perf_counter()
            url = self._url(wire.path_of(request))
            async with client.stream("POST", url, content=body) as response:
                if response.status_code != HTTPStatus.OK:
                    self._refuse(response, await _all_of(response), dialect)
                if address.stream and not _is_whole(response):
                    completion = await _streamed(response, started)
                else:
                    completion = wire.decode(await _all_of(response), request)
                    completion = replace(completion, latency_s=time.perf_counter() - started)
                return wire.opened(completion, request, dialect)
        except httpx2.TransportError as exc:
            raise _Retryable(f"the connection failed: {str(exc) or type(exc).__name__}") from exc
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            raise self._unavailable(str(exc)) from exc

    def _url(self, path: str) -> httpx2.URL:
        """The whole address, joined and parsed once and not for every request."""
        import httpx2

        if path not in self._urls:
            base = urlsplit(self._address.base_url)
            # The path stands before a query, such as Azure's `?api-version=…`.
            whole = base._replace(path=base.path.rstrip("/") + path)
            self._urls[path] = httpx2.URL(whole.geturl())
        return self._urls[path]

    def _refuse(self, response: httpx2.Response, body: bytes, dialect: wire.Dialect) -> NoReturn:
        status = response.status_code
        if dialect.token_limit == "max_tokens" and wire.wants_other_token_limit(status, body):  # noqa: S105
            raise _OtherDialect(replace(dialect, token_limit="max_completion_tokens"))  # noqa: S106 - no password
        if dialect.takes_form and not dialect.constrains and wire.wants_no_form(status, body):
            raise _OtherDialect(replace(dialect, takes_form=False))
        if wire.is_filtered(status, body):
            raise _Filtered
        reason = f"{status} {response.reason_phrase}: {wire.reason_of(body)}".rstrip(": ")
        if status in RETRIED_STATUS:
            raise _Retryable(reason, response.headers.get("Retry-After"))
        raise self._unavailable(reason + _HINTS.get(status, ""))

    def _unavailable(self, reason: str) -> EngineUnavailable:
        """The error that says where and why; servers repeat keys in their answers, we do not."""
        key = self._address.api_key
        said = reason.replace(key, "***") if key else reason
        return EngineUnavailable(
            f"{self._address.model} at {shown(self._address.base_url)}: {said}"
        )


def _is_whole(response: httpx2.Response) -> bool:
    """Servers that cannot stream answer whole, whatever was asked for."""
    return str(response.headers.get("Content-Type", "")).startswith("application/json")


async def _streamed(response: httpx2.Response, started: float) -> Completion:
    stream = wire.AnswerStream()
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

    with suppress(TimeoutError, httpx2.TransportError, wire.Unreadable):
        async with asyncio.timeout(_LAST_WORDS_S):
            async for _ in pieces:
                pass


async def _all_of(response: httpx2.Response) -> bytes:
    return b"".join([piece async for piece in _pieces(response)])


async def _pieces(response: httpx2.Response) -> AsyncIterator[bytes]:
    """The body as it arrives, up to a size that no answer has."""
    # Undecoded: nothing was said to be acceptable, and a few compressed bytes can unfold to gigabytes.
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise wire.Unreadable("the answer is compressed though that was not asked for")
    size = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > _SIZE_LIMIT:
            raise wire.Unreadable(f"the answer is larger than {_SIZE_LIMIT // 1_000_000} MB")
        yield piece


def _client(address: Address) -> httpx2.AsyncClient:
    import httpx2

    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if address.api_key:
        headers["Authorization"] = f"Bearer {address.api_key}"
    limits = httpx2.Limits(
        max_connections=address.concurrency, max_keepalive_connections=address.concurrency
    )
    return httpx2.AsyncClient(
        headers=headers,
        limits=limits,
        timeout=None,  # every attempt runs under one asyncio.timeout
    )
