"""The build of an endpoint: what its server says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from fakes import OpenAIServer, Reply, nowhere

from tetrad.artifacts.backoff import Backoff
from tetrad.engines.brake import Brake
from tetrad.engines.endpoint import Address, Endpoint
from tetrad.errors import EngineUnavailable

KEY = "sk-secret-of-ours"
QUICK = Backoff(attempts=4, first_s=0.001, ceiling_s=0.002)


def learned(server: OpenAIServer, **address: Any) -> str:
    async def learn() -> str:
        given = {"base_url": server.url, "api_key": KEY, "model": "small", **address}
        engine = Endpoint(Address(**given), brake=Brake(QUICK, grace_s=3600))
        try:
            return await engine.learn_build()
        finally:
            await engine.aclose()

    return asyncio.run(learn())


def test_the_build_is_what_the_server_says_at_version() -> None:
    with OpenAIServer(versions=[Reply(text="0.11.0")]) as server:
        assert learned(server) == "server version 0.11.0; tetrad endpoint-engine 2"
        assert learned(server, base_url=f"{server.url}/") == learned(server)
        assert learned(server, base_url=f"{server.url}?api-version=1") == learned(server)
        assert learned(server, base_url=server.url.removesuffix("/v1")) == learned(server)
        assert server.asked == []


def test_the_version_is_asked_for_once() -> None:
    with OpenAIServer(versions=[Reply(text="0.11.0")]) as server:

        async def twice() -> None:
            engine = Endpoint(Address(base_url=server.url, api_key=None, model="small"))
            await engine.learn_build()
            await engine.learn_build()
            await engine.aclose()

        asyncio.run(twice())
        assert server.asked_for_version == 1


@pytest.mark.parametrize(
    "said",
    [
        [],
        [Reply(status=401)],
        [Reply(status=404)],
        [Reply(status=501)],
        [Reply(status=503)],
        [Reply(status=302, headers={"Location": "/elsewhere"})],
        [Reply(text="")],
        [Reply(text="x" * 201)],
        [Reply(body=b"{}")],
        [Reply(body=b"0.11.0")],
        [Reply(body=b'{"version": 7}')],
        [Reply(body=b'{"version": [')],
        [Reply(body=b"[" * 100_000)],
        [Reply(body=b"x" * 17_000_000)],
    ],
    ids=[
        "no route", "no key", "not found", "not implemented", "unavailable", "redirect", "empty",
        "long", "no version", "plain", "number", "broken", "deep", "endless",
    ],
)  # fmt: skip
def test_a_server_that_says_no_version_is_of_an_unknown_one(said: Sequence[Reply]) -> None:
    with OpenAIServer(versions=said) as server:
        assert learned(server) == "server of unknown version; tetrad endpoint-engine 2"


def test_a_server_that_is_busy_is_asked_for_its_version_again() -> None:
    with OpenAIServer(versions=[Reply(status=503), Reply(text="0.11.0")]) as server:
        assert "version 0.11.0" in learned(server)


def test_a_server_that_is_not_there_has_no_build() -> None:
    with OpenAIServer() as server, pytest.raises(EngineUnavailable, match="the connection failed"):
        learned(server, base_url=f"{nowhere()}/v1")
