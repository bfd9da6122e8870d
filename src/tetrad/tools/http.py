"""Tools behind HTTP: one request a call, nothing followed, nothing kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

from tetrad.artifacts.download import is_address
from tetrad.artifacts.network import check_network
from tetrad.canonical import Json
from tetrad.errors import ToolFailed
from tetrad.model import HttpRun
from tetrad.tools.answer import MAX_BYTES, Answer
from tetrad.yamldoc.jsontext import refuse_constant

if TYPE_CHECKING:
    import httpx2

# What a service says of the request itself, and a model can act on; any other status is a fault of
# the service, the address or the credentials.
_REFUSALS = frozenset({400, 404, 409, 410, 422})
_SHOWN_CHARS = 300


class _Compressed(Exception):
    """An answer of which a few bytes can unfold to gigabytes."""


def service_client() -> httpx2.AsyncClient:
    """A client for all calls of a run: making one reads certificates, which stops everything else
    for a tenth of a second. Still no cookie or connection of one call reaches the next.
    """
    import httpx2

    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx2.AsyncClient(
        headers={"Accept-Encoding": "identity"},
        cookies=no_cookies,
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
    )


async def run_http(
    name: str,
    run: HttpRun,
    arguments: Mapping[str, Json],
    *,
    client: httpx2.AsyncClient,
    environment: Mapping[str, str],
) -> Answer:
    """Ask the service; ToolFailed where it cannot be reached or does not answer JSON."""
    import httpx2

    if not is_address(run.url):
        raise ToolFailed(f"tool {name!r}: its address is not an http or https URL")
    check_network(run.url)
    headers = _headers(name, run, environment)
    try:
        if taken := _fixed(run, arguments):
            return Answer(refusal=f"{name} takes no {', '.join(taken)}: its address has that")
        request = _request(client, run, arguments, headers)
    except httpx2.InvalidURL as exc:
        raise ToolFailed(f"tool {name!r}: its address cannot be reached: {exc}") from exc
    host = request.url.netloc.decode("ascii")  # with its port, without anybody's password
    try:
        status, body = await _exchange(client, request, run.timeout_s)
    except _Compressed as exc:
        raise ToolFailed(
            f"tool {name!r}: {host} sent a compressed response, which was not requested"
        ) from exc
    except TimeoutError as exc:
        raise ToolFailed(f"tool {name!r}: {host} did not answer in {run.timeout_s:g} s") from exc
    except httpx2.HTTPError as exc:
        raise ToolFailed(f"tool {name!r}: {host} cannot be reached ({type(exc).__name__})") from exc
    return _answer(name, host, status, body)


def _headers(name: str, run: HttpRun, environment: Mapping[str, str]) -> dict[str, str]:
    missing = sorted(v for v in run.headers_env.values() if v not in environment)
    if missing:
        raise ToolFailed(f"tool {name!r} needs {', '.join(missing)} in the environment")
    given = {header: environment[variable] for header, variable in run.headers_env.items()}
    for header, value in given.items():
        if not (value.isascii() and value.isprintable()):
            variable = run.headers_env[header]
            raise ToolFailed(f"tool {name!r}: {variable} holds characters that no header takes")
    return given


def _fixed(run: HttpRun, arguments: Mapping[str, Json]) -> list[str]:
    """The arguments that would take the place of what the address itself asks for."""
    import httpx2

    if run.method != "GET":
        return []
    return sorted(arguments.keys() & httpx2.URL(run.url).params.keys())


def _request(
    client: httpx2.AsyncClient,
    run: HttpRun,
    arguments: Mapping[str, Json],
    headers: Mapping[str, str],
) -> httpx2.Request:
    import httpx2

    url, timeout = httpx2.URL(run.url), httpx2.Timeout(run.timeout_s)
    if run.method == "GET":
        query = {key: _query_value(value) for key, value in arguments.items()}
        whole = url.copy_merge_params(query)
        return client.build_request("GET", whole, headers=headers, timeout=timeout)
    return client.build_request(run.method, url, json=arguments, headers=headers, timeout=timeout)


def _query_value(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


async def _exchange(
    client: httpx2.AsyncClient, request: httpx2.Request, timeout_s: float
) -> tuple[int, bytes]:
    """Status and body; the body ends at one byte over the limit."""
    import asyncio

    body = bytearray()
    # The client's own timeout is one of silence; a server that drips would never reach it.
    async with asyncio.timeout(timeout_s):
        # Redirects stay unfollowed: they would carry arguments and headers to another host.
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise _Compressed
            async for piece in response.aiter_raw(65_536):
                body += piece[: MAX_BYTES + 1 - len(body)]
                if len(body) > MAX_BYTES:
                    break
        finally:
            await response.aclose()
    return response.status_code, bytes(body)


def _answer(name: str, host: str, status: int, body: bytes) -> Answer:
    if status in _REFUSALS:
        text = body.decode(errors="replace").strip()[:_SHOWN_CHARS]
        return Answer(refusal=f"{name} answered {status}" + (f": {text}" if text else ""))
    if not 200 <= status < 300:
        reason = "a redirect, which is not followed" if 300 <= status < 400 else "an error"
        raise ToolFailed(f"tool {name!r}: {host} answered {status}, {reason}")
    if len(body) > MAX_BYTES:
        raise ToolFailed(f"tool {name!r}: {host} answered more than {MAX_BYTES} bytes")
    if not body:
        return Answer()
    try:
        return Answer(result=json.loads(body, parse_constant=refuse_constant))
    except RecursionError as exc:
        raise ToolFailed(f"tool {name!r}: {host} answered JSON nested too deeply") from exc
    except ValueError as exc:
        raise ToolFailed(f"tool {name!r}: {host} answered something that is not JSON") from exc
