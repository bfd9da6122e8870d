"""Answers as they come, of every engine but torch's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from fakes import OpenAIServer, Reply, ScriptedAnswers, nowhere
from hypothesis import given
from hypothesis import strategies as st

from tetrad.artifacts.backoff import Backoff
from tetrad.canonical import digest_bytes
from tetrad.engines.brake import Brake
from tetrad.engines.deferred import Deferred
from tetrad.engines.endpoint import Address, Endpoint
from tetrad.engines.interfaces import Engine
from tetrad.engines.scripted import Script
from tetrad.engines.trimming import Trimmed
from tetrad.errors import EngineRefused, EngineUnavailable, Location
from tetrad.model import Model, ScriptedAnswer, ScriptedEngine, Source
from tetrad.results.exchange import Choice, Completion, Message, Request

HELLO = Request(messages=(Message(role="user", content="Hello"),))
LABELS = replace(HELLO, constraint=Choice(labels=("yes", "no")))
SCRIPT = ScriptedEngine(
    answers=(ScriptedAnswer(contains="", output=" Your  parcel\nis late. "),),
    digest=digest_bytes(b""),
)


def endpoint(url: str, **address: Any) -> Endpoint:
    backoff = Backoff(attempts=4, first_s=0.001, ceiling_s=0.002)
    given = {"base_url": url, "api_key": None, "model": "small", **address}
    return Endpoint(Address(**given), brake=Brake(backoff, grace_s=3600))


async def pieces_of(engine: Engine, request: Request) -> list[str | Completion]:
    return [piece async for piece in engine.stream(request)]


def streamed(
    server: OpenAIServer, request: Request = HELLO, **address: Any
) -> list[str | Completion]:
    async def ask() -> list[str | Completion]:
        engine = endpoint(server.url, **address)
        try:
            return await pieces_of(engine, request)
        finally:
            await engine.aclose()

    return asyncio.run(ask())


# -- an endpoint's


@pytest.mark.parametrize("style", ["chat", "completion"])
def test_an_endpoint_is_asked_to_stream_and_its_pieces_are_handed_on(style: Any) -> None:
    with OpenAIServer(Reply(text="Your parcel is late.")) as server:
        *texts, last = streamed(server, replace(HELLO, style=style))
        body = server.asked[0].body

    assert texts == ["Your ", "parcel ", "is ", "late."]
    assert isinstance(last, Completion)
    assert last.text == "Your parcel is late."
    assert (last.usage.input_tokens, last.usage.output_tokens, last.requests) == (7, 3, 1)
    assert last.first_token_s is not None
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


def test_a_server_that_cannot_stream_gives_one_piece() -> None:
    whole = b'{"choices": [{"message": {"content": "Hi there"}}]}'
    reply = Reply(body=whole, headers={"Content-Type": "application/json"})

    with OpenAIServer(reply) as server:
        text, last = streamed(server)

    assert text == "Hi there"
    assert isinstance(last, Completion)


def test_calls_come_with_the_completion() -> None:
    call = {"name": "order_status", "arguments": {"order_id": "A-1"}, "id": "c1"}
    with OpenAIServer(Reply(text="One moment.", tool_calls=[call])) as server:
        *texts, last = streamed(server)

    assert "".join(map(str, texts)) == "One moment."
    assert isinstance(last, Completion)
    assert [one.name for one in last.tool_calls] == ["order_status"]


def test_an_answer_that_comes_in_a_wrapper_is_given_without_it() -> None:
    with OpenAIServer(Reply(text='{"answer": "yes"}')) as server:
        text, last = streamed(server, LABELS)

    assert isinstance(last, Completion)
    assert (text, last.text) == ("yes", "yes")


def test_a_request_that_a_filter_refuses_has_no_pieces() -> None:
    with OpenAIServer(Reply(status=400, error={"code": "content_filter"})) as server:
        [last] = streamed(server)

    assert isinstance(last, Completion)
    assert last.finish_reason == "content_filter"


def test_a_stream_is_asked_for_again_while_nothing_has_come_of_it() -> None:
    broken = Reply(text="a b c d", cut_after=0)
    with OpenAIServer(Reply(status=503), broken, Reply(text="a b c d")) as server:
        *texts, last = streamed(server)

    assert "".join(map(str, texts)) == "a b c d"
    assert isinstance(last, Completion)
    assert (len(server.asked), last.requests) == (3, 3)


HALF = b'data: {"choices": [{"delta": {"content": "half"}}]}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99000000\r\n\r\n"
OPEN_END = HEAD.replace(b"Content-Length: 99000000", b"Connection: close")
Respond = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(respond: Respond, **address: Any) -> AsyncIterator[Endpoint]:
    """An endpoint in front of a server that is nothing but `respond`."""
    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    engine = endpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", **address)
    async with server:
        yield engine
        await engine.aclose()


BROKEN = {
    "broken off": (HEAD, b"", "the connection failed: "),
    "ended": (OPEN_END, b"", "the stream ended before the answer did"),
    "an error": (
        OPEN_END,
        b'data: {"error": {"message": "out of memory"}}\n\n',
        "the server broke off: out of memory",
    ),
    "a failed finish": (
        OPEN_END,
        b'data: {"choices": [{"delta": {}, "finish_reason": "abort"}]}\n\n',
        "the server ended the answer with finish_reason 'abort'",
    ),
    "no JSON": (OPEN_END, b"data: {nope\n\n", "the answer is not JSON but begins '{nope'"),
    "no object": (OPEN_END, b"data: 7\n\n", "a chunk of the stream is not an object"),
    "no text": (
        OPEN_END,
        b'data: {"choices": [{"delta": {"content": 7}}]}\n\n',
        "the message's content is not a string",
    ),
    "endless": (OPEN_END, b" " * 17_000_000, "the answer is larger than 16 MB"),
}


@pytest.mark.parametrize(("head", "rest", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_stream_that_fails_after_its_first_piece_says_so_and_is_not_asked_for_again(
    head: bytes, rest: bytes, reason: str
) -> None:
    asked = []
    begun = asyncio.Event()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(head + HALF)
        await begun.wait()
        with suppress(ConnectionError):
            writer.write(rest)
            await writer.drain()
        writer.close()

    async def ask() -> EngineUnavailable:
        async with answering(respond) as engine:
            pieces = engine.stream(HELLO)
            assert await anext(pieces) == "half"
            begun.set()
            with pytest.raises(EngineUnavailable) as caught:
                await anext(pieces)
        return caught.value

    error = asyncio.run(ask())

    assert reason in str(error)
    assert str(error).startswith("small at http://127.0.0.1")
    assert (len(asked), error.requests) == (1, 1)


def test_a_stream_fails_as_a_whole_answer_does_before_its_first_piece() -> None:
    with OpenAIServer(Reply(body=b"<html>")) as server, pytest.raises(EngineUnavailable) as caught:
        streamed(server)
    assert "(tried 4 times)" in str(caught.value)

    with OpenAIServer(Reply(status=401)) as server, pytest.raises(EngineRefused):
        streamed(server)

    with pytest.raises(EngineUnavailable, match="the connection failed"):
        asyncio.run(pieces_of(endpoint(nowhere()), HELLO))


def test_an_answer_that_stops_coming_is_given_up_and_a_slow_reader_is_not() -> None:
    ended = asyncio.Event()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + HALF)
        await ended.wait()
        writer.close()

    async def ask() -> str:
        async with answering(respond, timeout_s=1.5) as engine:
            pieces = engine.stream(HELLO)
            first = await anext(pieces)
            await asyncio.sleep(2)  # the reader's time, which is not the server's
            with pytest.raises(EngineUnavailable) as caught:
                await anext(pieces)
            ended.set()
        assert first == "half"
        return str(caught.value)

    assert asyncio.run(ask()).endswith(": the answer did not end in 1.5 s")


def test_closing_a_stream_closes_the_connection_and_frees_its_place() -> None:
    gone = asyncio.Event()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + HALF)
        while await reader.read(1000):
            pass  # the rest of the request, and then the end
        gone.set()
        writer.close()

    async def ask() -> None:
        async with answering(respond, concurrency=1) as engine:
            for _ in range(2):
                gone.clear()
                async with aclosing(engine.stream(HELLO)) as pieces:
                    assert await anext(pieces) == "half"
                await asyncio.wait_for(gone.wait(), 20)

    asyncio.run(ask())


# -- the others'


@pytest.mark.parametrize(
    "engine",
    [
        Script(SCRIPT),
        ScriptedAnswers({"": "Your parcel is late."}),
        Deferred(
            Model(
                ref="m",
                location=Location("m.yaml"),
                source=Source(uri="file://m", scheme="file"),
                engine=SCRIPT,
            ),
            lambda: Script(SCRIPT),
        ),
    ],
    ids=["scripted", "in memory", "deferred"],
)
def test_pieces_are_the_answer_that_is_given_whole(engine: Engine) -> None:
    *texts, last = asyncio.run(pieces_of(engine, HELLO))
    whole = asyncio.run(engine.complete(HELLO))

    assert last == whole
    assert "".join(map(str, texts)) == whole.text
    assert len(texts) > 3


@given(st.lists(st.text(" \n\tab", max_size=4)))
def test_trimmed_pieces_are_the_trimmed_text(pieces: list[str]) -> None:
    trimmed = Trimmed()

    shown = [trimmed.let_through(piece) for piece in pieces]

    assert "".join(shown) == "".join(pieces).strip()
