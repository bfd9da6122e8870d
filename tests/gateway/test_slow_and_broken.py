"""Clients that read slowly or not at all, and model servers whose streams are no streams."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest
from fakes import Asked, Reply
from gateway.conftest import RunsGateway
from gateway_processes import registry_in, serving, until, wait_for_status
from gateways import ask, parrot
from streaming_server import streaming

from tetrad.gateway import connections, event_stream, incoming

CHAT = ("chat/completions", {"model": "echo", "messages": [{"role": "user", "content": "long"}]})
STACK = ("stacks/echo/answer", {"variables": {"message": "long"}})
MB = 1_000_000


def reading_nothing(address: str, path: str, body: dict[str, Any]) -> socket.socket:
    """A connection that asked for a stream, with little room for what comes."""
    parts = urlsplit(address)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.settimeout(30)
    connection.connect((parts.hostname, parts.port))
    data = json.dumps({**body, "stream": True}).encode()
    connection.sendall(
        f"POST /v1/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\n\r\n".encode()
        + data
    )
    return connection


def long_answer(asked: Asked) -> Reply:
    """More than systems take on their way, where it is asked for."""
    is_long = asked.body["messages"][-1]["content"] == "Say long"
    return Reply(text=f"{'w' * 400} " * 30_000) if is_long else parrot(asked)


@pytest.mark.parametrize(("path", "body"), [CHAT, STACK])
@pytest.mark.parametrize("pace_s", [None, 0.1], ids=["reads nothing", "reads ten bytes a second"])
def test_a_stream_whose_reader_takes_nothing_is_closed(
    monkeypatch: pytest.MonkeyPatch,
    gateway_before: RunsGateway,
    path: str,
    body: dict[str, Any],
    pace_s: float | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(event_stream, "SEND_S", 1.0)
    cancelled = 'outcome="cancelled",stack="stacks/echo"} 1.0'
    over = threading.Event()
    with gateway_before(long_answer) as (address, _):
        with reading_nothing(address, path, body) as connection:
            thread = threading.Thread(target=trickle, args=(connection, pace_s, over))
            thread.start()
            until(lambda: cancelled in httpx2.get(f"{address}/metrics").text)
            over.set()
            thread.join()
        after = ask(address)

    assert after.status_code == 200
    assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == []


def trickle(connection: socket.socket, pace_s: float | None, over: threading.Event) -> None:
    """Read a byte at a time, slowly, or nothing."""
    while pace_s is not None and not over.wait(pace_s):
        with contextlib.suppress(ConnectionError):
            if not connection.recv(1):
                return


@pytest.mark.campaign
def test_slow_readers_cost_little_memory_and_do_not_keep_a_gateway_from_ending(
    tmp_path: Path,
) -> None:
    """Before a model server that never stops; what they take is in the system's buffers."""
    registry = registry_in(tmp_path)
    registry.deploy(registry.take("one"))
    with (
        streaming() as (_, url),
        serving(registry, url) as (process, address),
        contextlib.ExitStack() as stack,
    ):
        wait_for_status(address, 200)
        served = psutil.Process(process.pid)
        stack.enter_context(reading_nothing(address, *CHAT))  # what the first one brings in
        time.sleep(2)
        before = served.memory_info().rss
        for _ in range(6):
            stack.enter_context(reading_nothing(address, *CHAT))
        time.sleep(5)
        grown = served.memory_info().rss - before
        process.send_signal(signal.SIGTERM)
        code = process.wait(90)

    assert grown < 6 * MB
    assert code == 0


@pytest.mark.parametrize(
    "sends",
    [b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX: ", b"POST /v1/chat"],
    ids=["headers", "the first line"],
)
def test_a_head_that_comes_byte_by_byte_is_not_waited_for(
    address: str, sends: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 1.0)
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(sends)
        assert is_closed_while(connection, lambda: connection.send(b"a"))


def test_a_body_that_comes_byte_by_byte_is_not_waited_for(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "BODY_S", 1.0)
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
        )
        said = b""
        connection.settimeout(0.05)
        for _ in range(400):
            with contextlib.suppress(TimeoutError):
                said += connection.recv(10_000)
            if said:
                break
            connection.send(b" ")

    assert b" 408 " in said


def is_closed_while(connection: socket.socket, act: Callable[[], Any]) -> bool:
    """Whether the other side closes, while something goes on being sent."""
    connection.settimeout(0.05)
    for _ in range(400):
        try:
            act()
            if connection.recv(1_000) == b"":
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


def piece(text: str) -> bytes:
    chunk = {"choices": [{"index": 0, "delta": {"content": text}}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


BROKEN = {
    "no JSON": b"data: {no\n\n",
    "no object": b"data: [1, 2]\n\n",
    "no choices": b'data: {"choices": 7}\n\n',
    "a delta that is none": b'data: {"choices": [{"index": 0, "delta": "text"}]}\n\n',
    "a content that is none": b'data: {"choices": [{"index": 0, "delta": {"content": 7}}]}\n\n',
    "an error": b'data: {"error": {"message": "internal path /srv", "code": 500}}\n\n',
    "no end": b"",
    "an event without an end": b"data: " + b"x" * 17 * MB,
    "deep JSON": b"data: " + b"[" * 100_000 + b"\n\n",
}


@pytest.fixture
def broken(gateway_before: RunsGateway) -> Iterator[Callable[[bytes], str]]:
    """Gives the address of a gateway whose model server streams these bytes."""
    streams: list[bytes] = []

    def answer(asked: Asked) -> Reply:
        if not asked.body.get("stream"):
            return parrot(asked)
        return Reply(body=streams[-1], headers={"Content-Type": "text/event-stream"})

    with gateway_before(answer) as (address, _):

        def streaming(data: bytes) -> str:
            streams.append(data)
            return address

        yield streaming


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize(("path", "body"), [CHAT, STACK])
def test_a_broken_stream_of_the_model_server_ends_in_a_clear_error(
    broken: Callable[[bytes], str], name: str, path: str, body: dict[str, Any]
) -> None:
    at_once = stream(broken(BROKEN[name]), path, body)
    begun = stream(broken(piece("one ") + piece("two ") + BROKEN[name]), path, body)

    assert (at_once.status_code, at_once.json()["error"]["code"]) == (502, "upstream_failed")
    last = begun.text.strip().split("\n\n")[-1]
    assert begun.status_code in {200, 502}  # what came together with the break was not sent on
    assert '"code":"upstream_failed"' in last
    assert "[DONE]" not in begun.text
    assert "/srv" not in begun.text


def test_an_end_without_done_is_one_where_the_finish_was_told(
    broken: Callable[[bytes], str],
) -> None:
    finish = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    answer = stream(broken(piece("one ") + piece("two") + finish), *CHAT)

    assert answer.text.endswith("data: [DONE]\n\n")


def stream(address: str, path: str, body: dict[str, Any]) -> httpx2.Response:
    return httpx2.post(f"{address}/v1/{path}", json={**body, "stream": True}, timeout=60)
