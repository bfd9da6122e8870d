"""Where a repository of our shape begins."""

from __future__ import annotations

from pathlib import Path

from tetrad.errors import UsageError

# A folder with one of these is a repository of our shape.
MARKS = ("stacks", "prompts", "evals", "tetrad.toml")


def below_checkout(root: Path) -> str:
    """How the root is reached from its checkout's top folder, with a slash at the end; "" at the top
    and where nothing is checked out.
    """
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            below = root.relative_to(folder).as_posix()
            return "" if below == "." else f"{below}/"
    return ""


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that looks like one; UsageError where there is none."""
    for folder in (start, *start.parents):
        if any((folder / mark).exists() for mark in MARKS):
            return folder
        if (folder / ".git").exists():
            break
    raise UsageError(
        f"{start} is not in a repository of tetrad's shape (no stacks/, prompts/ or evals/ here or above)\n"
        "  help: run `tetrad init` to lay one down, or name it with `tetrad -C DIR …`"
    )
