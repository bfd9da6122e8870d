"""A vector store, and what a gateway serves and follows."""

from pathlib import Path

import pytest
from gateways import Followed, Served
from postgres import postgres as postgres  # noqa: PLC0414 - a fixture
from postgres import vectors as vectors  # noqa: PLC0414 - a fixture


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path / "trees")


@pytest.fixture
def followed() -> Followed:
    return Followed()
