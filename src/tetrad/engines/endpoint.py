"""Endpoints that speak OpenAI's protocol: vLLM, SGLang, TGI, Triton, Ollama, vendors.

One asynchronous client an engine, used from one event loop. What is sent and read is written for
the common part of what those servers understand; where they differ, a comment says who does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias, TypeVar
from urllib.parse import urlsplit

from tetrad.artifacts.backoff import RETRIED_STATUS, seconds_of
from tetrad.artifacts.download import shown
from tetrad.engines.brake import Brake
from tetrad.engines.interfaces import Pieces
from tetrad.engines.responses import Live, TooLarge, all_of, client_for, is_whole, whole_of
from tetrad.engines.seeds import seeded
from tetrad.engines.throttle import Setback, Ticket
from tetrad.engines.version import version_of
from tetrad.errors import EngineRefused, EngineRejected, EngineUnavailable
from tetrad.protocols import openai as wire
from tetrad.results.exchange import Completion, Request, Usage

if TYPE_CHECKING:
    import httpx2

# Raised whenever a request would be put otherwise, here or in `protocols.openai`, or a reply read
# otherwise.
_ENGINE = 2
_PROBE_S = 5.0  # for what a server says of itself, which it has at hand
_QUOTA_STATUS = frozenset({429, 529})
_OVERLOAD_STATUS = frozenset({408, 503, 504, 524})

_FILTERED = Completion(
    text="",
    finish_reason="content_filter",
    usage=Usage(input_tokens=None, output_tokens=None),
)

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where an endpoint is and how it is asked; only `build` reads the environment for it."""

    base_url: str
    api_key: str | None
    model: str
    url_variable: str = ""  # where the address was read from, and the key: a help line names them
    key_variable: str | None = None
    timeout_s: float = 60.0
    concurrency: int = 32
    constrains: bool = False  # vLLM: the server can hold an answer to a choice of labels
    stream: bool = False  # measures the time to the first token, see `Endpoint`


_Exchange: TypeAlias = Callable[[Request, wire.Dialect, Ticket], Awaitable[_T]]


class _Again(Exception):
    """A try that failed in a way that another may not."""

    def __init__(self, setback: Setback) -> None:
        super().__init__(setback.reason)
        self.setback = setback


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

    def __init__(self, address: Address, *, brake: Brake | None = None) -> None:
        """`brake` is shared by all who ask the same address."""
        self.name = f"openai {shown(address.base_url)}"
        self.concurrency = address.concurrency
        self._address = address
        self._brake = brake or Brake()
        self._lane = self._brake.lane(address.concurrency)
        # Made for the first request: a run whose answers are all kept never needs the 0.4 s that
        # the library and its certificates take.
        self._client: httpx2.AsyncClient | None = None
        self._urls: dict[str, httpx2.URL] = {}
        self._dialect = wire.Dialect(constrains=address.constrains)
        self._knows_server = address.constrains
        self._has_answered = False
        self.build: str | None = None

    async def learn_build(self) -> str:
        """What the server says at `/version`, asked for once."""
        if self.build is None:
            ticket = Ticket(self._lane)
            version = await self._sent(self._version, ticket)
            self._brake.released(ticket)  # no answer of a model: whether it gives any is not known
            server = "of unknown version" if version is None else f"version {version}"
            self.build = f"server {server}; tetrad endpoint-engine {_ENGINE}"
        return self.build

    async def complete(self, request: Request) -> Completion:
        ticket = Ticket(self._lane, once=request.once)
        completion = await self._sent(partial(self._landed, request), ticket)
        return self._answered(completion, ticket)

    async def stream(self, request: Request) -> Pieces:
        """Asked again only before the first piece: nobody can take back what they were given."""
        ticket = Ticket(self._lane, once=request.once)
        begun = await self._sent(partial(self._attempt, request, self._begin), ticket)
        try:
            if isinstance(begun, Completion):
                completion = begun
                if completion.text:
                    yield completion.text
            else:
                async with aclosing(begun):
                    piece: str | Completion = begun.first
                    while isinstance(piece, str):
                        yield piece
                        piece = await self._following(begun, ticket)
                    completion = piece
        except BaseException:
            self._brake.released(ticket)
            raise
        yield self._answered(completion, ticket)

    def _answered(self, completion: Completion, ticket: Ticket) -> Completion:
        self._has_answered = True
        self._brake.answered(ticket)
        return replace(completion, requests=ticket.sent)

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _sent(self, attempt: Callable[[Ticket], Awaitable[_T]], ticket: Ticket) -> _T:
        """What came of as many attempts as it takes; the brake hears of all that failed."""
        self._connected()  # takes its time once, which is not the endpoint's
        while True:
            # Before the clock starts: waiting for a place is not the endpoint's latency.
            await self._brake.admit(ticket)
            if self._brake.stopped is not None:
                why = f"gave up after several attempts: {self._brake.stopped}"
                raise self._unavailable(why, ticket)
            try:
                return await attempt(ticket)
            except _Again as exc:
                where = shown(self._address.base_url)
                if self._brake.set_back(ticket, exc.setback, where) != "again":
                    asked = "once" if ticket.asked == 1 else f"{ticket.asked} times"
                    raise self._unavailable(f"{exc} (tried {asked})", ticket) from exc
            except EngineRefused as refused:
                self._brake.refuse_all(ticket, refused)
                raise
            except EngineUnavailable as exc:
                reason = str(exc).removeprefix(self._where(""))
                self._brake.refused(ticket, reason, is_its_own=isinstance(exc, EngineRejected))
                raise
            except BaseException:
                self._brake.released(ticket)
                raise

    async def _version(self, ticket: Ticket) -> str | None:
        import httpx2

        ticket.asked += 1
        try:
            return await version_of(self._connected(), self._address.base_url)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as exc:
            raise _again(_connection_failed(exc)) from exc
        except httpx2.HTTPError:
            return None
        except httpx2.InvalidURL as exc:
            raise self._unavailable(str(exc), ticket) from exc

    async def _landed(self, request: Request, ticket: Ticket) -> Completion:
        return await self._brake.landed(self._attempt(request, self._exchange, ticket))

    async def _attempt(self, request: Request, exchange: _Exchange[_T], ticket: Ticket) -> _T:
        if not self._knows_server and wire.vllm_would_bind(request):
            await self._ask_what_it_is()
        dialect = self._dialect
        try:
            async with asyncio.timeout(self._address.timeout_s):
                return await exchange(request, dialect, ticket)
        except TimeoutError as exc:
            reason = f"no answer in {self._address.timeout_s:g} s"
            raise _again(reason, "overload", may_be_its_own=True, timed_out=True) from exc
        except TooLarge as exc:
            raise self._unavailable(str(exc), ticket) from exc
        except wire.Unreadable as exc:
            raise _again(str(exc), may_be_its_own=True) from exc
        except _OtherDialect as other:
            self._dialect = other.dialect
            return await self._attempt(request, exchange, ticket)

    async def _exchange(
        self, request: Request, dialect: wire.Dialect, ticket: Ticket
    ) -> Completion:
        """One request over the wire, and the answer in it."""
        try:
            async with self._response(
                request, dialect, ticket, stream=self._address.stream
            ) as answer:
                completion = await answer.whole() if isinstance(answer, Live) else answer
        except _Filtered:
            return _FILTERED
        return wire.opened(completion, request, dialect)

    async def _begin(
        self, request: Request, dialect: wire.Dialect, ticket: Ticket
    ) -> Live | Completion:
        """One request over the wire, and its answer as soon as it begins; all of it where its end
        decides what of it is the answer.
        """
        try:
            async with AsyncExitStack() as stack:
                answer = await stack.enter_async_context(
                    self._response(request, dialect, ticket, stream=True)
                )
                if isinstance(answer, Live):
                    if not wire.is_wrapped(request, dialect) and await answer.has_begun():
                        return answer.hold(stack.pop_all())
                    answer = await answer.whole()
        except _Filtered:
            return _FILTERED
        return wire.opened(answer, request, dialect)

    @asynccontextmanager
    async def _response(
        self, request: Request, dialect: wire.Dialect, ticket: Ticket, *, stream: bool
    ) -> AsyncIterator[Live | Completion]:
        """What the server sends to a request; whole where it does not stream."""
        import httpx2

        address = self._address
        body = wire.encode(seeded(request), address.model, dialect, stream=stream)
        try:
            client = self._connected()
            started = time.perf_counter()
            url = self._url(wire.path_of(request))
            ticket.asked += 1
            ticket.sent += 1
            async with client.stream("POST", url, content=body) as response:
                if response.status_code != HTTPStatus.OK:
                    self._refuse(response, await all_of(response), dialect, ticket)
                if stream and not is_whole(response):
                    yield Live(response, started=started, timeout_s=address.timeout_s)
                else:
                    yield await whole_of(response, request, started)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as exc:
            ticket.sent -= 1
            raise _again(_connection_failed(exc)) from exc
        except httpx2.TransportError as exc:
            raise _again(_connection_failed(exc)) from exc
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            raise self._unavailable(str(exc), ticket) from exc

    async def _following(self, live: Live, ticket: Ticket) -> str | Completion:
        """What follows of an answer that somebody has the beginning of."""
        import httpx2

        try:
            return await live.text() or await live.whole()
        except TimeoutError as exc:
            reason = f"the answer did not end in {self._address.timeout_s:g} s"
            raise self._unavailable(reason, ticket) from exc
        except httpx2.TransportError as exc:
            raise self._unavailable(_connection_failed(exc), ticket) from exc
        except wire.Unreadable as exc:
            raise self._unavailable(str(exc), ticket) from exc

    def connect(self) -> None:
        """Make the client ahead of the first request: it reads certificates, in which time an event
        loop would do nothing else.
        """
        self._connected()

    def _connected(self) -> httpx2.AsyncClient:
        if self._client is None:
            self._client = client_for(self._address.base_url, self._address.api_key)
        return self._client

    async def _ask_what_it_is(self) -> None:
        """Learn whether a server that no file calls vLLM is one."""
        import httpx2

        try:
            async with asyncio.timeout(_PROBE_S):
                said = await self._connected().get(self._url("/models"))
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL):
            return  # whoever asks next asks this, too; what is wrong shows with the request
        self._knows_server = True
        if said.status_code == HTTPStatus.OK and wire.is_vllm(said.content):
            self._dialect = replace(self._dialect, constrains=True)

    def _url(self, path: str) -> httpx2.URL:
        """The whole address, joined and parsed once and not for every request."""
        import httpx2

        if path not in self._urls:
            base = urlsplit(self._address.base_url)
            # The path stands before a query, such as Azure's `?api-version=…`.
            whole = base._replace(path=base.path.rstrip("/") + path)
            self._urls[path] = httpx2.URL(whole.geturl())
        return self._urls[path]

    def _refuse(
        self, response: httpx2.Response, body: bytes, dialect: wire.Dialect, ticket: Ticket
    ) -> NoReturn:
        status = response.status_code
        if other := wire.other_dialect(status, body, dialect, is_vllm=self._address.constrains):
            raise _OtherDialect(other)
        if wire.is_filtered(status, body):
            raise _Filtered
        reason = f"{status} {response.reason_phrase}: {wire.reason_of(body)}".rstrip(": ")
        refusal = wire.refusal_of(status, body)
        if refusal == "account" or (
            refusal != "request" and (status == HTTPStatus.UNAUTHORIZED or not self._has_answered)
        ):
            raise EngineRefused(self._where(reason) + self._help(refusal), requests=ticket.sent)
        if status in RETRIED_STATUS and not wire.is_too_large(status, body):
            raise _Again(_setback(response, reason))
        if refusal == "request" and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise EngineRejected(self._where(reason), requests=ticket.sent)
        raise self._unavailable(reason, ticket)

    def _help(self, refusal: wire.Refusal) -> str:
        match refusal:
            case "key" if self._address.key_variable is None:
                return (
                    "\n  help: name the variable with the key in `api_key_env` of the model's file"
                )
            case "key":
                return f"\n  help: check the key in {self._address.key_variable}"
            case "account":
                return "\n  help: check the account's balance and limits at the vendor's"
            case _:
                return (
                    f"\n  help: check the model's name, and the address in"
                    f" {self._address.url_variable or 'the environment'}: for most servers it ends"
                    " in /v1; vendors often lack plain completions: `style: chat` in the prompt"
                )

    def _unavailable(self, reason: str, ticket: Ticket) -> EngineUnavailable:
        return EngineUnavailable(self._where(reason), requests=ticket.sent)

    def _where(self, reason: str) -> str:
        """Where and why; servers repeat keys in their answers, we do not."""
        key = self._address.api_key
        said = reason.replace(key, "***") if key else reason
        return f"{self._address.model} at {shown(self._address.base_url)}: {said}"


def _connection_failed(exc: httpx2.TransportError) -> str:
    return f"the connection failed: {str(exc) or type(exc).__name__}"


def _again(
    reason: str,
    kind: Literal["overload", "failure"] = "failure",
    *,
    may_be_its_own: bool = False,
    timed_out: bool = False,
) -> _Again:
    return _Again(
        Setback(kind=kind, reason=reason, may_be_its_own=may_be_its_own, timed_out=timed_out)
    )


def _setback(response: httpx2.Response, reason: str) -> Setback:
    status = response.status_code
    asked = response.headers.get("Retry-After")
    wait = 0.0 if asked is None else seconds_of(asked, datetime.now(UTC))
    if status in _QUOTA_STATUS or wait:
        return Setback(kind="quota", reason=reason, retry_after_s=wait)
    if status in _OVERLOAD_STATUS:
        return Setback(kind="overload", reason=reason)
    return Setback(
        kind="failure", reason=reason, may_be_its_own=status == HTTPStatus.INTERNAL_SERVER_ERROR
    )
