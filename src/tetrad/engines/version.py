"""What a server says of itself at `/version`, which vLLM does and vendors do not."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tetrad.artifacts.backoff import RETRIED_STATUS

if TYPE_CHECKING:
    import httpx2

TIMEOUT_S = 10.0  # for each try
_TRIES = 2
_PAUSE_S = 0.5
_LARGEST = 65_536  # bytes; a page for people is no version
_CHARACTERS = 200  # more than any version has


async def version_of(client: httpx2.AsyncClient, base_url: str) -> str | None:
    """The version that the server of an address says; None where it says none.

    One that is too busy to say it is not given up for that. HTTPError where the connection fails.
    """
    address = urlsplit(base_url)
    path = f"{address.path.rstrip('/').removesuffix('/v1')}/version"
    url = address._replace(path=path).geturl()
    for _ in range(_TRIES):
        try:
            async with asyncio.timeout(TIMEOUT_S), client.stream("GET", url) as response:
                if response.status_code == HTTPStatus.OK:
                    return _version_in(await _beginning(response))
                if response.status_code not in RETRIED_STATUS:
                    return None
        except TimeoutError:
            continue
        await asyncio.sleep(_PAUSE_S)
    return None


async def _beginning(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_raw():  # undecoded, as nothing else was asked for
        body += piece
        if len(body) > _LARGEST:
            break
    return bytes(body)


def _version_in(body: bytes) -> str | None:
    """What vLLM writes: `{"version": "0.11.0"}`."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    version = said.get("version") if isinstance(said, dict) else None
    is_told = isinstance(version, str) and version.isprintable() and 0 < len(version) <= _CHARACTERS
    return version if is_told else None
