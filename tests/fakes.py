"""Stand-ins that satisfy the product's Protocols, and real servers on this machine.

Shared by all tests; nothing here patches the product.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from tetrad.canonical import Digest, digest_bytes
from tetrad.engines.interfaces import Pieces
from tetrad.errors import EngineUnavailable
from tetrad.protocols.openai import (
    DONE,
    ChatEvents,
    ReplyHead,
    chat_completion,
    event,
    model_list,
)
from tetrad.results.exchange import Completion, Request, Usage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass
class ScriptedAnswers:
    """An Engine in memory: the answer of the first key that is in the last message; "" matches all.

    It remembers what it was asked and how many requests were in flight at once.
    """

    answers: Mapping[str, str | Completion] = field(default_factory=lambda: {"": "ok"})
    delay_s: float = 0.0
    name: str = "answers in memory"
    build: str | None = "memory 1"  # None: it is `told` when asked for
    told: str | None = "memory 1"  # None: it does not tell
    times_told: int = 0
    concurrency: int = 8
    native_tools: bool = True
    asked: list[Request] = field(default_factory=list)
    most_in_flight: int = 0
    closed: bool = False
    _in_flight: int = 0

    async def learn_build(self) -> str:
        self.times_told += 1
        await asyncio.sleep(self.delay_s)
        if self.told is None:
            raise EngineUnavailable("nobody is there")
        self.build = self.told
        return self.told

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            await asyncio.sleep(self.delay_s)
            return self._answer(request.messages[-1].content)
        finally:
            self._in_flight -= 1

    async def stream(self, request: Request) -> Pieces:
        completion = await self.complete(request)
        for word in re.findall(r"\S+\s*|\s+", completion.text):
            yield word
            await asyncio.sleep(0)
        yield completion

    async def aclose(self) -> None:
        self.closed = True

    def _answer(self, asked: str) -> Completion:
        for key, answer in self.answers.items():
            if key in asked:
                if isinstance(answer, Completion):
                    return answer
                usage = Usage(input_tokens=len(asked.split()), output_tokens=len(answer.split()))
                return Completion(text=answer, usage=usage)
        raise EngineUnavailable(f"no answer to {asked[:40]!r}")


@dataclass
class Watcher:
    """A Progress that remembers: each piece of work as its label, total and what was done of it."""

    work: list[tuple[str, int | None, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tallies: list[str] = field(default_factory=list)

    def start(self, total: int | None, label: str) -> Watched:
        self.work.append((label, total, 0))
        return Watched(self, len(self.work) - 1)

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass
class Watched:
    """A piece of work of a Watcher."""

    watcher: Watcher
    place: int

    def advance(self, n: int) -> None:
        label, total, done = self.watcher.work[self.place]
        self.watcher.work[self.place] = (label, total, done + n)

    def tally(self, text: str) -> None:
        self.watcher.tallies.append(text)

    def finish(self) -> None: ...


class _House:
    """One HTTP server for all tests of a process, since starting and stopping one takes 0.2 s.

    Each application lives below a number of its own: `http://127.0.0.1:PORT/7`.
    """

    def __init__(self) -> None:
        import uvicorn

        self._apps: dict[str, ASGIApp] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            self._dispatch,
            interface="asgi3",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
        )
        server = uvicorn.Server(config)
        # a daemon: it ends with the tests
        threading.Thread(
            target=server.run, kwargs={"sockets": [self._listener]}, daemon=True
        ).start()
        while not server.started:
            time.sleep(0.005)

    def move_in(self, app: ASGIApp) -> str:
        number = str(next(_NUMBERS))
        self._apps[number] = app
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/{number}"

    def move_out(self, address: str) -> None:
        del self._apps[address.rpartition("/")[2]]

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, number, path = scope["path"].split("/", 2)
        await self._apps[number]({**scope, "path": f"/{path}"}, receive, send)


_NUMBERS = itertools.count(1)


@cache
def _house() -> _House:
    return _House()


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve an ASGI application on this machine; gives its address."""
    address = _house().move_in(app)
    try:
        yield address
    finally:
        _house().move_out(address)


def nowhere() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What an OpenAIServer does with one request.

    `cut_after` breaks the connection after so many pieces of a stream, or in the middle of a whole
    answer; `body` replaces everything that would be written.
    """

    text: str = ""
    tool_calls: Sequence[Mapping[str, Any]] = ()  # {"name": …, "arguments": {…} or text, "id": …}
    finish_reason: str | None = None
    usage: Mapping[str, Any] | None = field(
        default_factory=lambda: {"prompt_tokens": 7, "completion_tokens": 3}
    )
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    error: Any = None  # of an error response: the value of its "error"
    delay_s: float = 0.0
    cut_after: int | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that reached the server."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    query: str = ""


class OpenAIServer:
    """A real HTTP server of OpenAI's protocol, for chat and plain completions, whole and streamed.

    Replies come in order, the last one again and again; or from a function of the request's body.
    None is sent before `together` requests have come. `versions` are replies to GET /version, which
    it does not know without any.

        with OpenAIServer(Reply(status=429, headers={"Retry-After": "0"}), Reply(text="ok")) as server:
            ... server.url, server.asked
    """

    def __init__(
        self,
        *replies: Reply,
        answer: Callable[[Asked], Reply] | None = None,
        together: int = 1,
        models: Sequence[Mapping[str, Any]] | None = None,
        versions: Sequence[Reply] = (),
    ) -> None:
        self.versions = versions
        self.asked_for_version = 0
        self.asked: list[Asked] = []
        self.models_asked = 0
        self._models = models
        self.most_in_flight = 0
        self.in_flight = 0
        self._replies = replies or (Reply(text="ok"),)
        self._answer = answer
        self._together = together
        self._have_come = asyncio.Event()
        self._url = ""

    @property
    def url(self) -> str:
        """The base URL, as it stands in the environment."""
        return self._url

    def __enter__(self) -> Self:
        from starlette.applications import Starlette
        from starlette.routing import Route

        routes = [
            Route("/v1/chat/completions", self._respond, methods=["POST"]),
            Route("/v1/completions", self._respond, methods=["POST"]),
            Route("/v1/models", self._list_models),
        ]
        if self.versions:
            routes.append(Route("/version", self._tell_version))
        self._running = serving(Starlette(routes=routes))
        self._url = f"{self._running.__enter__()}/v1"
        return self

    def __exit__(self, *error: object) -> None:
        self._running.__exit__(None, None, None)

    async def _list_models(self, http: HttpRequest) -> Response:
        from starlette.responses import JSONResponse

        self.models_asked += 1
        if self._models is None:
            return JSONResponse({"detail": "Not Found"}, 404)
        return JSONResponse(model_list(self._models))

    async def _respond(self, http: HttpRequest) -> Response:
        asked = Asked(
            path=http.url.path.removeprefix("/v1"),
            headers=dict(http.headers),
            body=json.loads(await http.body()),
            query=http.url.query,
        )
        reply = self._reply_to(asked)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if len(self.asked) >= self._together:
            self._have_come.set()
        try:
            await asyncio.wait_for(self._have_come.wait(), 20)
            await asyncio.sleep(reply.delay_s)
        finally:
            self.in_flight -= 1
        return _response(asked, reply)

    async def _tell_version(self, _: HttpRequest) -> Response:
        from starlette.responses import Response

        self.asked_for_version += 1
        reply = self.versions[min(self.asked_for_version, len(self.versions)) - 1]
        await asyncio.sleep(reply.delay_s)
        whole = json.dumps({"version": reply.text}).encode() if reply.body is None else reply.body
        return Response(whole, reply.status, dict(reply.headers))

    def _reply_to(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if self._answer is not None:
            return self._answer(asked)
        return self._replies[min(len(self.asked), len(self._replies)) - 1]


def _response(asked: Asked, reply: Reply) -> Response:
    from starlette.responses import Response, StreamingResponse

    headers = dict(reply.headers)
    if reply.body is not None:
        return Response(reply.body, reply.status, headers)
    if reply.status != 200:
        return Response(json.dumps({"error": reply.error}), reply.status, headers)
    if asked.body.get("stream"):
        events = [*_chunks(asked, reply), DONE]
        return StreamingResponse(_sent(events, reply.cut_after), media_type="text/event-stream")
    whole = json.dumps(_whole(asked, reply)).encode()
    if reply.cut_after is None:
        return Response(whole, 200, headers, media_type="application/json")
    headers["Content-Length"] = str(len(whole))
    return StreamingResponse(_sent([whole[:20], whole[20:]], 1), 200, headers)


async def _sent(pieces: Sequence[bytes], cut_after: int | None) -> AsyncIterator[bytes]:
    for n, piece in enumerate(pieces):
        if n == cut_after:
            raise ConnectionAbortedError("cut on purpose")
        yield piece
        await asyncio.sleep(0)


def _whole(asked: Asked, reply: Reply) -> dict[str, Any]:
    finish = reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")
    usage = {} if reply.usage is None else {"usage": reply.usage}
    if asked.path == "/completions":
        choice = {"index": 0, "text": reply.text, "finish_reason": finish}
        return {"id": "cmpl-1", "model": asked.body.get("model"), "choices": [choice], **usage}
    whole = chat_completion(_head(asked), reply.text, finish_reason=finish)
    message = whole["choices"][0]["message"]
    message["content"] = reply.text or None
    if reply.tool_calls:
        message["tool_calls"] = [_written(call) for call in reply.tool_calls]
    return {**whole, **usage}


def _head(asked: Asked) -> ReplyHead:
    return ReplyHead(id="cmpl-1", created=1_700_000_000, model=str(asked.body.get("model")))


def _chunks(asked: Asked, reply: Reply) -> Iterator[bytes]:
    """A stream's events: a word at a time, tool calls in two halves, the finish, the usage."""
    key = "text" if asked.path == "/completions" else "delta"
    events = ChatEvents(_head(asked))

    def chunk(piece: Any, finish: str | None = None) -> bytes:
        if key == "delta":
            return events.delta(piece, finish)
        return event({"choices": [{"index": 0, "text": piece, "finish_reason": finish}]})

    words = [word + " " for word in reply.text.split(" ")] if reply.text else []
    if words:
        words[-1] = words[-1][:-1]
    for word in words:
        yield chunk(word if key == "text" else {"content": word})
    for index, call in enumerate(reply.tool_calls):
        written = _written(call)
        arguments = written["function"]["arguments"]
        half = len(arguments) // 2
        first = {"name": written["function"]["name"], "arguments": arguments[:half]}
        yield chunk({"tool_calls": [{"index": index, "id": written["id"], "function": first}]})
        rest = {"index": index, "function": {"arguments": arguments[half:]}}
        yield chunk({"tool_calls": [rest]})
    finish = reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")
    yield chunk("" if key == "text" else {}, finish)
    if reply.usage is not None:
        yield event({"choices": [], "usage": reply.usage})


def _written(call: Mapping[str, Any]) -> dict[str, Any]:
    arguments = call["arguments"]
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {
        "id": call.get("id", "call_1"),
        "type": "function",
        "function": {"name": call["name"], "arguments": written},
    }


@dataclass
class WordEmbedder:
    """An Embedder in memory: texts with the same words lie close. It remembers what it was asked."""

    digest: Digest = field(default_factory=lambda: digest_bytes(b"word embedder"))
    build: str = "words 1"
    window: int = 1_000  # characters
    embedded: list[str] = field(default_factory=list)
    tokenised: list[str] = field(default_factory=list)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        self.embedded.extend(texts)
        rows = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[0] = 0.1  # no text is without a direction
            for word in re.findall(r"\w+", text.lower()):
                row[1 + digest_bytes(word.encode()).value[0] % 63] += 1
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    def tokens(self, text: str) -> Sequence[tuple[int, int]]:
        self.tokenised.append(text)
        return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]

    def windows(self, text: str) -> Sequence[str]:
        return [text[at : at + self.window] for at in range(0, len(text) or 1, self.window)]


@dataclass
class FileServer:
    """A real HTTP server of files, with ranges and ETags, that can misbehave in order.

    A misbehaviour is a status (with headers), or a number of bytes after which the connection
    breaks; when they are used up, the server behaves. `redirect_to` sends every download there.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    documents: Mapping[str, Any] = field(default_factory=dict)  # JSON answers by path
    misbehaviours: list[int | tuple[int, Mapping[str, str]]] = field(default_factory=list)
    etag: str | None = '"v1"'
    ranges: bool = True
    shift: int = 0  # how far from what was asked a range begins
    delay_s: float = 0.0
    redirect_to: str | None = None
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        from starlette.applications import Starlette
        from starlette.routing import Route

        self._running = serving(Starlette(routes=[Route("/{path:path}", self._respond)]))
        self.url = self._running.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._running.__exit__(None, None, None)

    async def _respond(self, http: HttpRequest) -> Response:
        from starlette.responses import JSONResponse, RedirectResponse, Response

        path = http.path_params["path"]
        self.asked.append((path, dict(http.headers)))
        await asyncio.sleep(self.delay_s)
        if path in self.documents:
            return JSONResponse(self.documents[path])
        if self.redirect_to is not None:
            return RedirectResponse(f"{self.redirect_to}/{path}")
        if path not in self.files:
            return Response("no such file", 404)
        misbehaviour = self.misbehaviours.pop(0) if self.misbehaviours else None
        if isinstance(misbehaviour, tuple):
            return Response("not now", misbehaviour[0], dict(misbehaviour[1]))
        return self._file(self.files[path], dict(http.headers), misbehaviour)

    def _file(self, data: bytes, asked: Mapping[str, str], cut: int | None) -> Response:
        from starlette.responses import Response, StreamingResponse

        start, status = 0, 200
        headers = {} if self.etag is None else {"ETag": self.etag}
        if self.ranges and "range" in asked and asked.get("if-range") == self.etag:
            start, status = int(asked["range"].removeprefix("bytes=").rstrip("-")) + self.shift, 206
            if start >= len(data):
                return Response(status_code=416)
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        rest = data[start:]
        headers["Content-Length"] = str(len(rest))
        pieces = [rest] if cut is None else [rest[:cut], rest[cut:]]
        return StreamingResponse(_sent(pieces, None if cut is None else 1), status, headers)
