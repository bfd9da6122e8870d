"""A model server whose answers tell by which identity's prompt it was asked, and a gateway before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import OpenAIServer
from gateways import Followed, Served, gateway, parrot
from postgres import place as place  # noqa: PLC0414 - a fixture
from postgres import postgres as postgres  # noqa: PLC0414 - a fixture


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    with OpenAIServer(answer=parrot) as server:
        monkeypatch.setenv("UPSTREAM", server.url)
        yield server


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path / "trees")


@pytest.fixture
def followed() -> Followed:
    return Followed()


@pytest.fixture
def address(
    upstream: OpenAIServer, served: Served, followed: Followed, tmp_path: Path
) -> Iterator[str]:
    with gateway(followed, served.snapshots, tmp_path / "cache") as found:
        yield found
