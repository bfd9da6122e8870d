"""Answers that are under way while their identity goes, their client leaves, or the gateway ends."""

from __future__ import annotations

import logging
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import Asked, OpenAIServer, Reply
from gateway_processes import registry_in, serving, until, wait_for_status
from gateways import Followed, Served, alone, ask, gateway, parrot, until_warm, withdrawn
from streaming_server import streaming

from tetrad.gateway import loaded
from tetrad.model.serving import Retain

CHAT = {"model": "echo", "messages": [{"role": "user", "content": "hello"}], "stream": True}
PATHS: list[tuple[str, dict[str, Any]]] = [
    ("chat/completions", CHAT),
    ("stacks/echo/answer", {"variables": {"message": "hello"}, "stream": True}),
]


def slowly(asked: Asked) -> Reply:
    is_held = asked.body["messages"][-1]["content"] == "Say held"
    return replace(parrot(asked), delay_s=2.0 if is_held else 0.0)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    with OpenAIServer(answer=slowly) as server:
        monkeypatch.setenv("UPSTREAM", server.url)
        yield server


@contextmanager
def held_by_one(
    slow: OpenAIServer, served: Served, followed: Followed, cache: Path, retain: Retain
) -> Iterator[Any]:
    """A request that `one` is answering while `one` is withdrawn: the future of its answer."""
    one, two = served.take("one"), served.take("two")
    with gateway(followed, served.snapshots, cache) as address, ThreadPoolExecutor(1) as pool:
        followed.move(echo=alone(one, two), retain=retain)
        followed.wait_for(1)
        until_warm(address)
        before = len(slow.asked)
        answer = pool.submit(ask, address, "held")
        until(lambda: len(slow.asked) > before)
        followed.move(echo=withdrawn(two, one), retain=retain)
        followed.wait_for(2)
        assert ask(address).json()["identity"] == served.names["two"]
        yield answer


def test_a_request_that_may_take_longer_is_answered_by_the_identity_it_began_with(
    slow: OpenAIServer,
    served: Served,
    followed: Followed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its model server has longer than what every request has."""
    monkeypatch.setattr(loaded, "LEAST_S", 0.2)
    with held_by_one(slow, served, followed, tmp_path / "cache", Retain()) as answer:
        answered = answer.result()

    assert answered.json()["answer"] == "one: held"
    assert answered.headers["x-tetrad-identity"] == served.names["one"]


def test_an_environment_may_end_it_sooner(
    slow: OpenAIServer, served: Served, followed: Followed, tmp_path: Path
) -> None:
    with held_by_one(slow, served, followed, tmp_path / "cache", Retain(grace_s=0.2)) as answer:
        ended = answer.result()

    assert ended.status_code == 503
    assert ended.json()["error"]["code"] == "identity_unloaded"


@pytest.mark.parametrize(("path", "body"), PATHS)
def test_a_client_that_leaves_a_stream_is_no_failure(
    path: str,
    body: dict[str, Any],
    served: Served,
    followed: Followed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cancelled = 'outcome="cancelled",stack="stacks/echo"} 1.0'
    with (
        streaming() as (_, url),
        gateway(followed, served.snapshots, tmp_path / "cache") as address,
    ):
        monkeypatch.setenv("UPSTREAM", url)
        followed.move(echo=alone(served.take("one")))
        followed.wait_for(1)
        with httpx2.stream("POST", f"{address}/v1/{path}", json=body) as response:
            next(response.iter_text())
        until(lambda: cancelled in httpx2.get(f"{address}/metrics").text)

    assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(("path", "body"), PATHS)
def test_a_gateway_that_ends_ends_its_streams_with_an_error(
    path: str, body: dict[str, Any], tmp_path: Path
) -> None:
    registry = registry_in(tmp_path)
    registry.deploy(registry.take("one"), retain=Retain(grace_s=1))
    with streaming() as (_, url), serving(registry, url) as (process, address):
        wait_for_status(address, 200)
        with httpx2.stream("POST", f"{address}/v1/{path}", json=body, timeout=60) as response:
            pieces = response.iter_text()
            said = next(pieces)
            process.send_signal(signal.SIGTERM)
            said += "".join(pieces)
        code = process.wait(60)
        assert process.stderr is not None
        told = process.stderr.read()

    assert '"code":"shutting_down"' in said.strip().split("\n\n")[-1]
    assert "[DONE]" not in said
    assert code == 0
    assert "Traceback" not in told


def test_a_gateway_that_is_told_twice_ends_at_once_and_says_nothing_more(tmp_path: Path) -> None:
    registry = registry_in(tmp_path)
    registry.deploy(registry.take("one"))
    with streaming() as (_, url), serving(registry, url) as (process, address):
        wait_for_status(address, 200)
        with httpx2.stream(
            "POST", f"{address}/v1/chat/completions", json=CHAT, timeout=60
        ) as response:
            pieces = response.iter_text()
            next(pieces)
            process.send_signal(signal.SIGINT)
            until(lambda: not listens(address))
            process.send_signal(signal.SIGINT)
            with pytest.raises(httpx2.TransportError):
                deque(pieces, maxlen=0)
        process.wait(60)
        assert process.stderr is not None
        told = process.stderr.read()

    assert "Traceback" not in told


def listens(address: str) -> bool:
    try:
        httpx2.get(f"{address}/healthz")
    except httpx2.TransportError:
        return False
    return True
