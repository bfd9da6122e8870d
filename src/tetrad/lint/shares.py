"""A repository in shares, of which each can be looked at by a process of its own.

What is judged together is to lie in one share, so it is parted by the names that its files write.
That is a guess: whether a share holds all that its findings depend on is seen from what was loaded,
and a wrong guess costs time alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from tetrad.loading.files import Tree as Folder
from tetrad.model.references import reference_of

_NAME = re.compile(rb"[\w.-]*/[\w./-]*\w")
_KIND = re.compile(rb"^kind:[ \t]*(\w+)", re.MULTILINE)
# Of any other it matters whether it is used, which one user shows.
_JUDGED_BY_USERS = frozenset({"prompt", "stack", "suite"})
_OVERHEAD = 200  # bytes that cost as much as what each file costs besides its bytes
_FIRST = 1.15  # to one: the process that has this share need not be started, nor be heard
_LARGEST = 0.8  # of the whole, in one share: the others would not be worth it


class _Written(NamedTuple):
    """A component as a glance shows it."""

    file: str
    kind: str
    size: int
    names: Collection[str]


def shares_of(tree: Folder, components: Sequence[str], number: int) -> list[list[str]]:
    """The components in so many shares of about one size, the first a bit larger, or in one where they
    hang together.
    """
    written = [_glance(tree, file) for file in components]
    groups = _groups(tree, written)
    shares: list[list[str]] = [[] for _ in range(number)]
    sizes = [0] * number
    for size, files in sorted(groups, key=lambda group: (-group[0], group[1])):
        smallest = min(range(number), key=lambda n: sizes[n] if n else sizes[n] / _FIRST)
        shares[smallest] += files
        sizes[smallest] += size
    if max(sizes) > _LARGEST * sum(sizes):
        return [list(components)]
    return [sorted(share) for share in shares if share]


def _glance(tree: Folder, file: str) -> _Written:
    data = tree.files.unlinked(file) or b""
    kind = _KIND.search(data)
    lines = [line for line in data.split(b"\n") if b"/" in line]  # few, and no name goes further
    names = {
        _meant(name.decode("ascii", "replace"), file)
        for line in lines
        for name in _NAME.findall(line)
    }
    return _Written(file, kind[1].decode("ascii", "replace") if kind else "", len(data), names)


def _meant(name: str, file: str) -> str:
    """The path from the root, as far as the text alone says it; `//` stands behind `file:`."""
    is_path = name.startswith("//")
    path = name.removeprefix("//")
    if path.startswith(("./", "../")) or (is_path and "/" not in path):
        return posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    return path


def _groups(tree: Folder, written: Sequence[_Written]) -> Iterator[tuple[int, list[str]]]:
    """What belongs together, with its size."""
    by_name = {reference_of(one.file): one for one in written}
    sizes = {one.file: one.size + _OVERHEAD for one in written}
    joined = _Joined()
    used: set[str] = set()
    for one in written:
        for name in sorted(one.names):
            other = by_name.get(name)
            if other is None:
                if name not in sizes:
                    sizes[name] = _size(tree, name)
                if sizes[name]:
                    joined.join(one.file, name)
            elif other.kind in _JUDGED_BY_USERS or other.file not in used:
                used.add(other.file)
                joined.join(one.file, other.file)
    files = {one.file for one in written}
    for group in joined.groups(sizes):
        mine = [file for file in group if file in files]
        if mine:
            yield sum(sizes[file] for file in group), mine


def _size(tree: Folder, name: str) -> int:
    try:
        return tree.files.size(name) if tree.files.has(name) else 0
    except OSError:
        return 0


class _Joined:
    """Sets of names that grow together."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def join(self, one: str, other: str) -> None:
        self._above[self._top(one)] = self._top(other)

    def groups(self, names: Iterable[str]) -> Iterable[list[str]]:
        found: dict[str, list[str]] = {}
        for name in names:
            found.setdefault(self._top(name), []).append(name)
        return found.values()

    def _top(self, name: str) -> str:
        top = name
        while (above := self._above.get(top, top)) != top:
            top = above
        while (above := self._above.get(name, name)) != top:
            self._above[name] = top
            name = above
        return top
