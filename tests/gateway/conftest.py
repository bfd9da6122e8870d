"""A model server whose answers tell by which identity's prompt it was asked, and a gateway before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest
from fakes import Asked, OpenAIServer, Reply
from gateways import Followed, Served, alone, gateway, parrot
from postgres import place as place  # noqa: PLC0414 - a fixture
from postgres import postgres as postgres  # noqa: PLC0414 - a fixture

from tetrad.pointer import StackPointer


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


class RunsGateway(Protocol):
    def __call__(
        self, answer: Callable[[Asked], Reply], pointer: StackPointer | None = None
    ) -> AbstractContextManager[tuple[str, OpenAIServer]]: ...


@pytest.fixture
def gateway_before(
    monkeypatch: pytest.MonkeyPatch, served: Served, followed: Followed, tmp_path: Path
) -> RunsGateway:
    """Runs a gateway before a model server that answers so; it serves version `one`, or what a
    pointer says. Gives both: the gateway by its address.
    """

    @contextmanager
    def run(
        answer: Callable[[Asked], Reply], pointer: StackPointer | None = None
    ) -> Iterator[tuple[str, OpenAIServer]]:
        with (
            OpenAIServer(answer=answer) as server,
            gateway(followed, served.snapshots, tmp_path / "cache") as address,
        ):
            monkeypatch.setenv("UPSTREAM", server.url)
            moved = followed.move(echo=pointer or alone(served.take("one")))
            followed.wait_for(moved.number)
            yield address, server

    return run
