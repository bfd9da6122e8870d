"""The files of one tree, be it a folder's or a commit's: what lies where, and its bytes.

Files and folders are named by POSIX paths from the tree's root, which is ".". Symbolic links are
followed as the system follows them, unless it is said that they are not.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from tetrad.canonical import Digest, digest_file

_REMEMBERED = 1 << 28  # bytes of all files together
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Listing(NamedTuple):
    """The names in a folder, each group in order; a file is whatever leads to no folder."""

    folders: Sequence[str]
    links: Sequence[str]  # that lead to folders
    files: Sequence[str]


class FileTree(Protocol):
    """What the two kinds of trees have in common."""

    def has(self, file: str) -> bool:
        """Whether a regular file lies there."""

    def has_folder(self, folder: str) -> bool: ...

    def is_link(self, name: str) -> bool: ...

    def is_inside(self, name: str) -> bool:
        """Whether the place that a name leads to lies within the root, and not in Git's own folder."""

    def listing(self, folder: str) -> Listing | None:
        """What lies in a folder; None where there is none, OSError where it cannot be listed."""

    def size(self, file: str) -> int: ...

    def read(self, file: str) -> bytes:
        """The bytes of a file; OSError where it cannot be read."""

    def unlinked(self, name: str) -> bytes | None:
        """The bytes of a regular file that is no link, in a folder of the tree; None of all else."""

    def digest(self, file: str) -> Digest:
        """The digest of a file's bytes, of which not all need to be in memory at once."""

    def blob_id(self, name: str) -> str | None:
        """Git's id of what a file holds, that is no link, where it is known without reading it."""

    def folder(self) -> Path:
        """The whole tree on disk, for code that runs in it."""


class WorkingTree:
    """The files below a folder, as they are now.

    One that `remembers` reads a file once, for a command that reads thousands and writes none.
    """

    def __init__(self, root: Path, *, remembers: bool = False) -> None:
        self.root = root
        self._remembered: dict[str, bytes] = {}
        self._room = _REMEMBERED if remembers else 0
        self._name = str(root)
        self._real = os.path.realpath(root)
        self._real_folders: dict[str, str] = {}
        self._inside: dict[str, bool] = {}  # folders

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkingTree) and self.root == other.root

    def __hash__(self) -> int:
        return hash(self.root)

    # Thousands of names are looked up, and pathlib takes three times as long.
    # ruff: noqa: PTH112, PTH113, PTH114, PTH118, PTH123, PTH202

    def has(self, file: str) -> bool:
        return file in self._remembered or os.path.isfile(f"{self._name}/{file}")

    def has_folder(self, folder: str) -> bool:
        return os.path.isdir(f"{self._name}/{folder}")

    def is_link(self, name: str) -> bool:
        return os.path.islink(f"{self._name}/{name}")

    def is_inside(self, name: str) -> bool:
        if name in {"", "."}:
            return True
        folder, last = os.path.split(f"{self._name}/{name}")
        real_folder = self._real_folders.get(folder)
        if real_folder is None:
            real_folder = self._real_folders[folder] = os.path.realpath(folder)
        real = os.path.join(real_folder, last)
        if os.path.islink(real):
            real = os.path.realpath(real)
        if real == self._real:
            return True
        # A checkout keeps its login in .git/config, and a prompt would tell it to an endpoint.
        return real.startswith(self._real + os.sep) and not is_of_git(real[len(self._real) + 1 :])

    def listing(self, folder: str) -> Listing | None:
        folders: list[str] = []
        links: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(f"{self._name}/{folder}") as entries:
                for entry in entries:
                    if not _is_folder(entry):
                        files.append(entry.name)
                    elif entry.is_symlink():
                        links.append(entry.name)
                    else:
                        folders.append(entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Listing(sorted(folders), sorted(links), sorted(files))

    def size(self, file: str) -> int:
        known = self._remembered.get(file)
        return len(known) if known is not None else os.path.getsize(f"{self._name}/{file}")

    def read(self, file: str) -> bytes:
        with open(f"{self._name}/{file}", "rb", buffering=0) as stream:
            return stream.readall()

    def unlinked(self, name: str) -> bytes | None:
        data = self._remembered.get(name)
        if data is None:
            data = self._unlinked(name)
            if data is not None and self._room >= len(data):
                self._room -= len(data)
                self._remembered[name] = data
        return data

    def _unlinked(self, name: str) -> bytes | None:
        folder, _, last = name.rpartition("/")
        inside = self._inside.get(folder)
        if inside is None:
            inside = self._inside[folder] = self.is_inside(folder)
        if not inside or is_of_git(last):
            return None
        try:
            descriptor = os.open(f"{self._name}/{name}", _FLAGS)
        except OSError:
            return None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return None
            data = os.read(descriptor, status.st_size + 1)
            if len(data) != status.st_size:  # it is being written, or is larger than one read
                with open(descriptor, "rb", buffering=0, closefd=False) as stream:
                    data += stream.readall()
        except OSError:
            return None
        else:
            return data
        finally:
            os.close(descriptor)

    def digest(self, file: str) -> Digest:
        return digest_file(self.root / file)

    def blob_id(self, name: str) -> str | None:  # noqa: ARG002
        return None

    def folder(self) -> Path:
        return self.root


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def is_of_git(file: str) -> bool:
    """Whether a path leads through a folder of the name that Git keeps for itself."""
    return ".git" in file.lower().split("/")
