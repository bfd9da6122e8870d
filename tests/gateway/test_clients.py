"""Clients that send too much, too slowly or nonsense, and those that leave."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from fakes import OpenAIServer, Reply
from gateways import Followed, Served, alone, ask, gateway

from tetrad.gateway import connections, incoming
from tetrad.model.serving import Retain

PATH = "/v1/stacks/echo/answer"


@pytest.fixture
def answering(address: str, served: Served, followed: Followed) -> str:
    followed.move(echo=alone(served.take("one")))
    followed.wait_for(1)
    return address


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"", {}, 400),
        (b"[]", {}, 400),
        (b"null", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b'{"variables": {}, "variables": {}}', {}, 400),
        (b'{"variables": NaN}', {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'{"variables": ' + b"[" * 80 + b"]" * 80 + b"}", {}, 400),
        (b'{"variables": {"message": "\\ud800"}}', {}, 400),
        (b'{"variables": {"message": 1}}', {}, 400),
        (b'{"variables": {"mesage": "a"}}', {}, 400),
        (b'{"variables": {"message": "a", "mood": "angry"}}', {}, 400),
        (b'{"variables": {"message": "a"}, "temperature": 0}', {}, 400),
        (b'{"variables": {"message": "a"}, "user": 1}', {}, 400),
        (b'{"variables": {"message": "a"}}', {"content-type": "text/plain"}, 415),
        (b'{"variables": {"message": "a"}}', {"content-type": ""}, 415),
        (b'{"variables": {"message": "a"}}', {"content-encoding": "gzip"}, 415),
        (b'{"variables": {"message": "a"}}', {"content-type": "application/json; charset=utf-8"}, 200),
        (b'{"variables": {"message": "' + b"a" * 10_000_000 + b'"}}', {}, 413),
    ],
)  # fmt: skip
def test_what_is_no_request_is_told_so(
    answering: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    sent = {"content-type": "application/json", **headers}

    answer = httpx2.post(f"{answering}{PATH}", content=body, headers=sent, timeout=60)

    assert answer.status_code == status
    assert status == 200 or set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert len(answer.headers["x-tetrad-trace"]) == 32


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", PATH, 405), ("DELETE", "/v1/models", 405), ("POST", "/v2/chat", 404), ("GET", "/", 404),
     ("POST", "/v1/stacks/none/answer", 404)],
)  # fmt: skip
def test_what_is_not_there_is_told(answering: str, method: str, path: str, status: int) -> None:
    answer = httpx2.request(method, f"{answering}{path}", json={"variables": {}})

    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_a_trace_is_continued(answering: str) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = httpx2.post(
        f"{answering}{PATH}",
        json={"variables": {"message": "hello"}},
        headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
    )

    assert answer.headers["x-tetrad-trace"] == answer.json()["trace"] == trace


def test_a_body_of_100_mb_is_refused_and_not_kept(answering: str) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b"a" * 1_000_000

    try:
        answer = httpx2.post(
            f"{answering}{PATH}",
            content=pieces(),
            headers={"content-type": "application/json"},
            timeout=60,
        )
    except httpx2.WriteError:  # closed, while the client still sent
        return
    assert answer.status_code == 413


def raw(address: str, timeout_s: float = 20) -> socket.socket:
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname, parts.port), timeout=timeout_s)


@pytest.mark.parametrize(
    "line",
    [b"X-Many: " + b"a" * 100 + b"\r\n", b"a" * 1000],
    ids=["many headers", "a header without an end"],
)
def test_headers_without_an_end_are_refused(answering: str, line: bytes) -> None:
    sent = 0
    with raw(answering) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nX-First: ")
        try:
            while sent < 10_000_000:
                connection.sendall(line)
                sent += len(line)
            said = connection.recv(100)
        except ConnectionError:
            said = b""

    assert said.startswith(b"HTTP/1.1 431") or sent < 10_000_000


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nHost: x\r\n"])
def test_a_connection_that_sends_no_request_is_closed(
    answering: str, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.5)
    with raw(answering) as connection:
        connection.sendall(sent)

        assert connection.recv(100) == b""


def test_a_body_that_does_not_come_is_not_waited_for(
    answering: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "BODY_S", 0.5)
    with raw(answering) as connection:
        connection.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            "Content-Length: 100\r\n\r\n{".encode()
        )

        assert b" 408 " in connection.recv(1000)


def wait_until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_ends_the_work_for_it(
    served: Served,
    followed: Followed,
    tmp_path: Path,
    stream: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with OpenAIServer(Reply(text="ok"), Reply(text="late", delay_s=60)) as upstream:
        monkeypatch.setenv("UPSTREAM", upstream.url)
        with gateway(followed, served.snapshots, tmp_path / "cache") as address:
            followed.move(echo=alone(served.take("one")))
            followed.wait_for(1)
            with pytest.raises(httpx2.ReadTimeout):
                httpx2.post(
                    f"{address}{PATH}",
                    json={"variables": {"message": "hello"}, "stream": stream},
                    timeout=2,
                )

            wait_until(lambda: b'outcome="cancelled",stack="stacks/echo"} 1' in metrics(address))


def metrics(address: str) -> bytes:
    return httpx2.get(f"{address}/metrics").content


def test_an_upstream_that_fails_is_told_without_what_it_said(
    served: Served, followed: Followed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies = [Reply(text="ok"), *[Reply(status=500, error="internal path /srv")] * 2]
    with OpenAIServer(*replies) as upstream:
        monkeypatch.setenv("UPSTREAM", upstream.url)
        with gateway(followed, served.snapshots, tmp_path / "cache") as address:
            followed.move(echo=alone(served.take("one")))
            followed.wait_for(1)
            answer = ask(address)

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_failed")
    assert "/srv" not in answer.text
    assert answer.headers["x-tetrad-identity"] == served.names["one"]


def test_a_stream_that_breaks_off_ends_with_an_error(
    served: Served, followed: Followed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Reply(text="one two three four", cut_after=2)
    with OpenAIServer(Reply(text="ok"), broken) as upstream:
        monkeypatch.setenv("UPSTREAM", upstream.url)
        with gateway(followed, served.snapshots, tmp_path / "cache") as address:
            followed.move(echo=alone(served.take("one")))
            followed.wait_for(1)
            streamed = httpx2.post(
                f"{address}/v1/chat/completions",
                json={
                    "model": "echo",
                    "messages": [{"role": "user", "content": "hello"}],
                    "stream": True,
                },
            )
    last: Any = json.loads(streamed.text.strip().split("\n\n")[-1].removeprefix("data: "))

    assert streamed.status_code == 200
    assert last["error"]["code"] == "upstream_failed"
    assert "[DONE]" not in streamed.text


def test_answers_of_an_identity_that_nothing_retains_have_a_while_to_end(
    served: Served, followed: Followed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(asked: Any) -> Reply:
        said = asked.body["messages"][-1]["content"]
        return Reply(text=said, delay_s=1.0 if "soon" in said else 60.0 if "never" in said else 0)

    with OpenAIServer(answer=slow) as upstream:
        monkeypatch.setenv("UPSTREAM", upstream.url)
        with gateway(followed, served.snapshots, tmp_path / "cache") as address:
            followed.move(echo=alone(served.take("one")), retain=Retain(grace_s=3))
            followed.wait_for(1)
            with ThreadPoolExecutor(2) as pool:
                soon, never = (pool.submit(ask, address, text) for text in ("soon", "never"))
                wait_until(lambda: upstream.in_flight == 2)
                followed.move(echo=alone(served.take("two")), retain=Retain(grace_s=3))
                followed.wait_for(2)
                after = ask(address)

                assert after.headers["x-tetrad-identity"] == served.names["two"]
                assert soon.result().json()["identity"] == served.names["one"]
                assert never.result().status_code == 503
                assert never.result().json()["error"]["code"] == "identity_unloaded"
