"""`tetrad lint` as a user runs it, in this process."""

from __future__ import annotations

from pathlib import Path

from tetrad.cli import main


def lint(root: Path, *arguments: str) -> int:
    return main(["-C", str(root), "lint", *arguments])
