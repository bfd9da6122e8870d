"""Where a repository of our shape begins."""

from __future__ import annotations

from pathlib import Path

from tetrad.errors import UsageError
from tetrad.places import checkout_above

# A folder with one of these is a repository of our shape.
MARKS = ("stacks", "prompts", "evals", "tetrad.toml")


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that looks like one; UsageError where there is none."""
    top = checkout_above(start)
    for folder in (start, *start.parents):
        if any((folder / mark).exists() for mark in MARKS):
            return folder
        if folder.resolve() == top:
            break
    raise UsageError(
        f"{start} is not in a repository of tetrad's shape (no stacks/, prompts/ or evals/ here or above)\n"
        "  help: run `tetrad init` to create one, or name it with `tetrad -C DIR …`"
    )
