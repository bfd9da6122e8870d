"""A small tree that tests copy and edit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

FORMATS = Path(__file__).parent.parent / "loading" / "valid" / "formats"

collect_ignore = ["vectors"]  # they hold golden sets, which our own plugin would collect


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FORMATS, tmp_path / "tree"))
