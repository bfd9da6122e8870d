"""Goldens: the exact text that an example gives, kept in a file beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def check_golden(path: Path, text: str) -> None:
    """Compare a text with a file; TETRAD_WRITE_GOLDENS=1 writes what differs, and fails."""
    there = path.read_text(encoding="utf-8") if path.exists() else None
    if there != text and os.environ.get("TETRAD_WRITE_GOLDENS") == "1":
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path} was written anew: read the difference before you commit it")

    assert there == text
