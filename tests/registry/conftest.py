"""A ledger's place, of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import postgres as postgres  # noqa: PLC0414 - a fixture
from postgres import schema

from tetrad.registry import Place, PostgresAddress


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        yield tmp_path / "registry.db"
        return
    with schema(request.getfixturevalue("postgres")) as url:
        yield PostgresAddress(url)
