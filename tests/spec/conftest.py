"""Goldens: the exact text that an example gives, kept in a file beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

# The examples hold golden sets, which our own plugin would collect.
collect_ignore = ["valid", "invalid"]

Golden: TypeAlias = Callable[[Path, str], None]


@pytest.fixture
def check_golden() -> Golden:
    """Compare a text with a file; TETRAD_WRITE_GOLDENS=1 writes what differs, and fails."""

    def check(path: Path, text: str) -> None:
        there = path.read_text(encoding="utf-8") if path.exists() else None
        if there != text and os.environ.get("TETRAD_WRITE_GOLDENS") == "1":
            path.write_text(text, encoding="utf-8")
            pytest.fail(f"{path} was written anew: read the difference before you commit it")

        assert there == text

    return check
