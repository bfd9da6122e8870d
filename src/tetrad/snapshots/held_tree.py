"""The files of a snapshot as a tree, so that they load as any other's do."""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Mapping
from pathlib import Path

from tetrad.canonical import Digest, digest_bytes
from tetrad.errors import UsageError
from tetrad.trees import Listing


class HeldTree:
    """A `FileTree` of files in memory, none of which is a link."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._folders = _folders(files)

    def has(self, file: str) -> bool:
        return posixpath.normpath(file) in self._files

    def has_folder(self, folder: str) -> bool:
        return posixpath.normpath(folder) in self._folders

    def is_link(self, name: str) -> bool:  # noqa: ARG002
        return False

    def is_inside(self, name: str) -> bool:
        return not posixpath.normpath(name).startswith(("../", "/")) and name != ".."

    def listing(self, folder: str) -> Listing | None:
        return self._folders.get(posixpath.normpath(folder))

    def size(self, file: str) -> int:
        return len(self.read(file))

    def read(self, file: str) -> bytes:
        data = self._files.get(posixpath.normpath(file))
        if data is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), file)
        return data

    def unlinked(self, name: str) -> bytes | None:
        return self._files.get(name)

    def digest(self, file: str) -> Digest:
        return digest_bytes(self.read(file))

    def blob_id(self, name: str) -> str | None:  # noqa: ARG002
        return None

    def folder(self) -> Path:
        raise UsageError("this snapshot is not unpacked\n  help: tetrad unbundle FILE -o DIR")


def _folders(files: Mapping[str, bytes]) -> dict[str, Listing]:
    found: dict[str, tuple[set[str], list[str]]] = {".": (set(), [])}
    for path in files:
        above, last = posixpath.split(path)
        found.setdefault(above or ".", (set(), []))[1].append(last)
        while above:
            above, folder = posixpath.split(above)
            found.setdefault(above or ".", (set(), []))[0].add(folder)
    return {
        folder: Listing(sorted(folders), (), sorted(names))
        for folder, (folders, names) in found.items()
    }
