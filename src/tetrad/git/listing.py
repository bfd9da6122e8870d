"""The files of a commit below the root of a checkout, those of submodules among them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NamedTuple

from tetrad.errors import GitError
from tetrad.git.checkout import Checkout
from tetrad.git.entries import LINK, SUBMODULE, TreeEntry, entries_at, entries_below
from tetrad.git.submodules import places_to, submodule_at


class Blob(NamedTuple):
    """A file, or a symbolic link, of which the target is the content."""

    id: str
    path: str  # from the top of its repository
    source: int  # which of the listing's repositories it is of
    is_link: bool


class Listed(NamedTuple):
    """Files by their paths from the root."""

    blobs: dict[str, Blob]
    sources: list[tuple[Checkout, str]]  # repositories, each with its commit
    empty: list[str]  # folders: submodules that are checked out on neither side


def listed(checkout: Checkout, commit: str) -> Listed:
    """GitError for a submodule whose commit is not here, and where the root was a symbolic link."""
    found = Listed({}, [], [])
    root = PurePosixPath(checkout.below)
    above = places_to(root)
    for entry in entries_at(checkout, commit, *above) if above else ():
        if entry.mode == LINK:
            raise GitError(f"{checkout.below} was a symbolic link in {commit[:12]}")
        if entry.mode == SUBMODULE:
            _add_submodule(checkout, entry, root.relative_to(entry.path), "", found)
            return found
    _add(checkout, commit, root, "", found)
    return found


def _add(
    checkout: Checkout, commit: str, folder: PurePosixPath, prefix: str, found: Listed
) -> None:
    """Add what lies below a folder of a repository, by names that begin with a prefix."""
    source = len(found.sources)
    found.sources.append((checkout, commit))
    cut = 0 if folder == PurePosixPath() else len(str(folder)) + 1
    for entry in entries_below(checkout, commit, str(folder)):
        name = prefix + entry.path[cut:]
        if entry.mode == SUBMODULE:
            _add_submodule(checkout, entry, PurePosixPath(), f"{name}/", found)
        else:
            found.blobs[name] = Blob(entry.id, entry.path, source, entry.mode == LINK)


def _add_submodule(
    checkout: Checkout, entry: TreeEntry, folder: PurePosixPath, prefix: str, found: Listed
) -> None:
    submodule = submodule_at(checkout, entry.path, entry.id)
    if submodule is None:
        found.empty.append(prefix.rstrip("/"))
    else:
        _add(submodule, entry.id, folder, prefix, found)
