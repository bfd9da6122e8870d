"""Where a folder lies in its checkout, and what of the way to it a commit can bring."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tetrad.errors import UsageError

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


def may_be_sparse(root: Path) -> bool:
    """Whether the checkout may leave files out; only Git knows which, and it takes a process to ask."""
    top = checkout_above(root)
    if top is None:
        return False
    # a file leads to a folder that Git must name
    return (top / ".git").is_file() or (top / ".git" / "info" / "sparse-checkout").is_file()


def outermost_in_checkout(path: Path) -> Path | None:
    """The first part of an absolute path that lies in a checkout; from there on, a commit can have
    made a link of every part.
    """
    return next((place for place in reversed(path.parents) if checkout_above(place)), None)


def refuse_links(path: Path) -> None:
    """UsageError where a symbolic link in a checkout stands on the way to a path, or at its end.

    A change would lead what is written, or what is trusted, to a place of its choice.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow the links
    top = outermost_in_checkout(path)
    if top is None:
        return
    for place in reversed((path, *path.parents)):
        if place != top and place.is_relative_to(top) and place.is_symlink():
            raise linked(place)


def linked(place: Path) -> UsageError:
    return UsageError(
        f"{place} is a symbolic link in a checkout: nothing is written or trusted behind it"
        "\n  help: remove the link, or name the place that it leads to"
    )
