"""The files of a commit, read from Git's objects as they would be checked out."""

from __future__ import annotations

import errno
import os
import posixpath
from functools import cached_property
from pathlib import Path

from tetrad.canonical import Digest, digest_bytes
from tetrad.errors import GitError
from tetrad.git.checkout import Checkout
from tetrad.git.commit_export import export
from tetrad.git.conversion import rewritten
from tetrad.git.lfs import content_of, storage_of
from tetrad.git.listing import Blob, listed
from tetrad.git.objects import Objects
from tetrad.loading.lfs_pointers import pointed_at
from tetrad.trees import Listing, WorkingTree, is_of_git

_MOST_LINKS = 40  # on the way to one file, as Linux has it
_NOWHERE, _ROUND = "", "\0"  # out of the tree to nobody knows what; in a circle
_WHOLE_DISK = WorkingTree(Path("/"))  # what absolute links lead to


class CommitTree:
    """A `FileTree` of which nothing is read but what is asked for, and nothing laid out but for
    `folder`.
    """

    def __init__(self, root: Path, commit: str, into: Path) -> None:
        """The files below `root` in a commit; `into` is an empty folder to lay them out in.

        GitError for a submodule whose commit is not here, where the root was a symbolic link, and for
        a tree that no checkout can hold.
        """
        self._root = root
        self._commit = commit
        self._into = into
        found = listed(Checkout.of(root), commit)
        self._blobs = found.blobs
        self._links = {name: blob for name, blob in found.blobs.items() if blob.is_link}
        self._empty = found.empty
        self._sources = found.sources
        self._objects = [Objects(checkout) for checkout, _ in found.sources]
        twice = self._folders.keys() & self._blobs.keys()
        if twice:  # made by hand, to be written through
            raise GitError(f"{min(twice)} is a file and a folder in {commit[:12]}")

    def close(self) -> None:
        for objects in self._objects:
            objects.close()

    def has(self, file: str) -> bool:
        real = self._real(file)
        return _WHOLE_DISK.has(real) if real.startswith("/") else real in self._blobs

    def has_folder(self, folder: str) -> bool:
        real = self._real(folder)
        return _WHOLE_DISK.has_folder(real) if real.startswith("/") else real in self._folders

    def is_link(self, name: str) -> bool:
        above, last = posixpath.split(name)
        return posixpath.normpath(f"{self._real(above)}/{last}") in self._links

    def is_inside(self, name: str) -> bool:
        real = self._real(name)
        return not (real in {_NOWHERE, _ROUND} or real.startswith("/") or is_of_git(real))

    def listing(self, folder: str) -> Listing | None:
        real = self._real(folder)
        if real.startswith("/"):
            return _WHOLE_DISK.listing(real)
        if real == _ROUND:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), folder)
        found = self._folders.get(real)
        if found is None or not self._links:
            return found
        paths = {name: posixpath.normpath(f"{real}/{name}") for name in found.files}
        links = [n for n, path in paths.items() if path in self._links and self.has_folder(path)]
        return Listing(found.folders, links, [name for name in found.files if name not in links])

    def size(self, file: str) -> int:
        return len(self.read(file))

    def read(self, file: str) -> bytes:
        name = self._real(file)
        blob = self._blobs.get(name)
        if blob is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), file)
        return self._content(name, blob)

    def unlinked(self, name: str) -> bytes | None:
        blob = self._blobs.get(name)
        if blob is None or blob.is_link or is_of_git(name):
            return None
        return self._content(name, blob)

    def digest(self, file: str) -> Digest:
        return digest_bytes(self.read(file))

    def blob_id(self, name: str) -> str | None:
        blob = self._blobs.get(name)
        return None if blob is None or blob.is_link else blob.id

    def folder(self) -> Path:
        return self._laid_out

    @cached_property
    def _laid_out(self) -> Path:
        export(self._root, self._commit, self._into)
        return self._into

    def _content(self, name: str, blob: Blob) -> bytes:
        if (blob.source, blob.path) in self._rewritten:
            return (self.folder() / name).read_bytes()
        data = self._objects[blob.source].blob(blob.id)
        if pointed_at(data) is None:
            return data
        fetched = content_of(storage_of(self._sources[blob.source][0]), data)
        return data if fetched is None else fetched

    @cached_property
    def _rewritten(self) -> frozenset[tuple[int, str]]:
        """The files that a checkout does not hold as Git does; only Git knows how it writes them."""
        return frozenset(
            (number, path)
            for number, (checkout, commit) in enumerate(self._sources)
            for path in rewritten(
                checkout, commit, [b.path for b in self._blobs.values() if b.source == number]
            )
        )

    @cached_property
    def _folders(self) -> dict[str, Listing]:
        """What lies in each folder, links among its files."""
        found: dict[str, tuple[list[str], list[str]]] = {".": ([], [])}

        def add(folder: str) -> None:
            if folder not in found:
                found[folder] = [], []
                above, name = posixpath.split(folder)
                add(above or ".")
                found[above or "."][0].append(name)

        for name in self._blobs:
            above, last = posixpath.split(name)
            add(above or ".")
            found[above or "."][1].append(last)
        for folder in self._empty:
            add(folder)
        return {
            folder: Listing(sorted(folders), (), sorted(files))
            for folder, (folders, files) in found.items()
        }

    def _real(self, name: str) -> str:
        """Where a name leads: a path from the root, an absolute one out of it, nowhere or round."""
        if name in self._blobs and name not in self._links:
            return name
        done: list[str] = []
        left = posixpath.normpath(name).split("/")[::-1]
        followed = 0
        while left:
            part = left.pop()
            if part == "..":
                if not done:
                    return _NOWHERE
                done.pop()
            elif part not in {"", "."}:
                link = self._links.get("/".join([*done, part]))
                if link is None:
                    done.append(part)
                    continue
                followed += 1
                target = os.fsdecode(self._objects[link.source].blob(link.id))
                if target.startswith("/"):
                    return posixpath.normpath("/".join([target, *left[::-1]]))
                if followed > _MOST_LINKS:
                    return _ROUND
                left += target.split("/")[::-1]
        return "/".join(done) or "."
