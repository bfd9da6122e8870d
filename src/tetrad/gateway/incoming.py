"""What a client sends: read within limits, and only as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from tetrad.canonical import Json, read_json
from tetrad.gateway.refusing import RequestRefused

MAX_BODY = 10_000_000  # bytes
BODY_S = 30.0  # for a body to come whole
MAX_DEPTH = 64  # of JSON

_T = TypeVar("_T")


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


async def read_object(request: Request) -> Mapping[str, Json]:
    """The JSON object in a request's body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        said = repr(kind) if kind else "missing"
        raise RequestRefused(415, f"Content-Type is {said}, expected application/json")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise RequestRefused(415, "the body is compressed; send it uncompressed")
    body = await _body(request)
    try:
        value = read_json(body.decode())
    except UnicodeDecodeError as error:
        raise RequestRefused(400, f"the body is not UTF-8: {error.reason}") from error
    except ValueError as error:
        raise RequestRefused(400, f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise RequestRefused(400, "the body is not a JSON object")
    if _depth(value) > MAX_DEPTH:
        raise RequestRefused(400, f"the body is nested more than {MAX_DEPTH} levels deep")
    return value


async def _body(request: Request) -> bytes:
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > MAX_BODY:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY:
                    raise _too_large()
    except TimeoutError as error:
        raise RequestRefused(
            408, f"the body did not arrive in {BODY_S:g} s", headers={"Connection": "close"}
        ) from error
    except ClientDisconnect as error:
        raise ClientGone from error
    return bytes(body)


def _too_large() -> RequestRefused:
    return RequestRefused(
        413,
        f"the body has more than {MAX_BODY:,} bytes",
        headers={"Connection": "close"},  # what follows of it is not read
    )


def _depth(value: Json) -> int:
    """How deeply a JSON value is nested, without recursion of its own."""
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [
            item
            for one in level
            if isinstance(one, list | dict)
            for item in (one.values() if isinstance(one, dict) else one)
        ]
    return deepest


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, _T]) -> _T:
    """The work's result; where the client disconnects first, the work is cancelled: ClientGone."""
    asking = asyncio.current_task()
    assert asking is not None  # noqa: S101 - coroutines alone answer
    is_over = False

    def cancel(watch: asyncio.Task[None]) -> None:
        if not is_over and not watch.cancelled():
            asking.cancel()

    # The work stays in this task: a second one takes longer than much of what is done for a request.
    watch = asyncio.create_task(_disconnected(receive))
    watch.add_done_callback(cancel)
    try:
        return await work
    except asyncio.CancelledError:
        if not watch.done() or watch.cancelled():
            raise
        asking.uncancel()
        raise ClientGone from None
    finally:
        is_over = True
        watch.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
