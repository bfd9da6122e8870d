"""A model server and a load generator that cost next to nothing, so that what is between them shows."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": "fixed",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "The parcel arrives on Tuesday."},
            }
        ],
        "usage": {"prompt_tokens": 40, "completion_tokens": 8, "total_tokens": 48},
    }
).encode()
_REPLY = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER)
) + ANSWER
_MODELS = b'{"object":"list","data":[{"id":"fixed","object":"model"}]}'
_LISTED = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    % len(_MODELS)
) + _MODELS


class _Connection(asyncio.Protocol):
    """Messages with a head and a body of a known length, one after the other."""

    def __init__(self, take: Callable[[bytes, bytes, asyncio.Transport], None]) -> None:
        self._take = take
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end]
            lower = head.lower()
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._data) < end + 4 + length:
                return
            body, self._data = (
                self._data[end + 4 : end + 4 + length],
                self._data[end + 4 + length :],
            )
            self._take(head, body, self._transport)


async def serve(port: int, delay_s: float) -> None:
    """Answer every request after the same time."""
    loop = asyncio.get_running_loop()

    def take(head: bytes, _: bytes, transport: asyncio.Transport) -> None:
        reply = _LISTED if head.startswith(b"GET") else _REPLY
        loop.call_later(delay_s, transport.write, reply)

    server = await loop.create_server(lambda: _Connection(take), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


@dataclass(kw_only=True)
class Load:
    """What came of a load: seconds of each request, and those that did not get a 200."""

    seconds: list[float] = field(default_factory=list)
    failures: int = 0
    wall_s: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall_s

    def share(self, share: float) -> float:
        """The time within which this share of the requests was answered, in milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1_000


class _Client:
    """A kept connection; one request at a time."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[bytes] | None = None

    async def connect(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(
            lambda: _Connection(self._take), "127.0.0.1", port
        )

    def close(self) -> None:
        self._transport.close()

    async def ask(self, request: bytes) -> bytes:
        """The head of the answer."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def _take(self, head: bytes, _: bytes, __: asyncio.Transport) -> None:
        if self._waiting is not None:
            self._waiting.set_result(head)


def request_of(path: str, body: object, headers: str = "") -> bytes:
    data = json.dumps(body).encode()
    return (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}"
        f"content-length: {len(data)}\r\n\r\n"
    ).encode() + data


async def at_rate(port: int, request: bytes, *, rate: float, seconds: float) -> Load:
    """Requests at fixed times, whatever becomes of the ones before."""
    load, free, tasks = Load(), list[_Client](), set[asyncio.Task[None]]()
    count, began = round(rate * seconds), time.perf_counter()

    async def one() -> None:
        client = free.pop() if free else _Client()
        asked = time.perf_counter()
        if not hasattr(client, "_transport"):
            await client.connect(port)
        _note(load, await client.ask(request), asked)
        free.append(client)

    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        task = asyncio.create_task(one())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    load.wall_s = time.perf_counter() - began
    return load


async def at_once(port: int, request: bytes, *, clients: int, seconds: float) -> Load:
    """As many requests as so many clients get answered, one after the other each."""
    load, began = Load(), time.perf_counter()

    async def one() -> None:
        client = _Client()
        await client.connect(port)
        while time.perf_counter() - began < seconds:
            asked = time.perf_counter()
            _note(load, await client.ask(request), asked)
        client.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    load.wall_s = time.perf_counter() - began
    return load


def _note(load: Load, head: bytes, asked: float) -> None:
    load.seconds.append(time.perf_counter() - asked)
    load.failures += not head.startswith(b"HTTP/1.1 200")
