"""What lies in a commit's tree: the entries that Git keeps, and the files that they come to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tetrad.git.checkout import Checkout

LINK, SUBMODULE = "120000", "160000"


class TreeEntry(NamedTuple):
    """Something in a commit's tree, by its path from the repository's top."""

    mode: str
    id: str
    path: str


def entries_at(checkout: Checkout, commit: str, *paths: str) -> Iterator[TreeEntry]:
    """What lies at paths; of one that leads below another, the other counts only if it is no folder."""
    yield from _parsed(checkout, "-z", "--full-tree", commit, "--", *paths)


def entries_below(checkout: Checkout, commit: str, folder: str) -> Iterator[TreeEntry]:
    """All files, links and submodules below a folder, "." for the top."""
    paths = [] if folder == "." else [folder]
    yield from _parsed(checkout, "-r", "-z", "--full-tree", commit, "--", *paths)


def _parsed(checkout: Checkout, *question: str) -> Iterator[TreeEntry]:
    for line in checkout.git("--literal-pathspecs", "ls-tree", *question).split("\0"):
        if line:
            entry, _, path = line.partition("\t")
            mode, _, id_ = entry.split(" ")
            yield TreeEntry(mode, id_, path)
