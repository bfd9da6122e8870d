"""Where a repository of our shape begins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tetrad.errors import UsageError

# A folder with one of these is a repository of our shape.
MARKS = ("stacks", "prompts", "evals", "tetrad.toml")
_TRUE = frozenset({"1", "true", "yes", "on"})  # as Git reads its variables


def checkout_above(folder: Path) -> Path | None:
    """The top of the checkout that a folder lies in: the nearest folder with Git's `.git`.

    Git by itself also takes a folder with HEAD, objects/ and refs/ for a repository, which a commit
    can bring along; `.git` is the one name that no commit can hold.
    """
    return next((place for place in _searched(folder.resolve()) if _holds_git(place)), None)


def below_checkout(root: Path) -> str:
    """How the root is reached from its checkout's top folder, with a slash at the end; "" at the top
    and where nothing is checked out.
    """
    top = checkout_above(root)
    below = root.resolve().relative_to(top).as_posix() if top else "."
    return "" if below == "." else f"{below}/"


def _searched(start: Path) -> Iterator[Path]:
    """The folders in which Git looks: up to a ceiling that the user set, or the file system's end."""
    listed = os.environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
    ceilings = {Path(os.path.realpath(place)) for place in listed if Path(place).is_absolute()}
    crosses = os.environ.get("GIT_DISCOVERY_ACROSS_FILESYSTEM", "").lower() in _TRUE
    yield start
    for below, place in pairwise((start, *start.parents)):
        if place in ceilings or not (crosses or _device(below) in {None, _device(place)}):
            return
        yield place


def _device(folder: Path) -> int | None:
    try:
        return folder.stat().st_dev
    except OSError:
        return None


def _holds_git(folder: Path) -> bool:
    entry = folder / ".git"
    return os.path.isfile(entry) or os.path.lexists(entry / "HEAD")  # noqa: PTH113 - False where closed


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
        "  help: run `tetrad init` to lay one down, or name it with `tetrad -C DIR …`"
    )
