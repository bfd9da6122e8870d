"""Repositories that have the infrastructure program, as a user's has."""

from __future__ import annotations

import shutil
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "infra"
IGNORED = shutil.ignore_patterns("__pycache__", "environments", "keys")


def with_program(root: Path) -> Path:
    """A folder with a copy of it, and none of this repository's own environments."""
    (root / ".git").mkdir(parents=True)
    shutil.copytree(PROGRAM, root / "infra", ignore=IGNORED)
    return root
