"""Writing files whole or not at all, and behind no link that a commit can bring.

A path is gone along folder by folder, each opened without following a link, so that nothing can put
a link in between looking and writing. Outside of checkouts links are the user's, and are followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tetrad.places import linked, outermost_in_checkout, refuse_links

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, with the mode it had; a device is written as it is.

    UsageError where a link in a checkout stands in the way, OSError with the path for the rest.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow all links
    refuse_links(path)
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    path = _absolute(path)
    with _named(path), _opened(path.parent, make=False) as folder:
        _replace(folder, path.name, data, _status(path, folder))


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are absent."""
    path = _absolute(path)
    with _named(path), _opened(path, make=True):
        pass


def remove_file(path: Path) -> None:
    """Remove a file, where it is there."""
    path = _absolute(path)
    with _named(path), suppress(FileNotFoundError), _opened(path.parent, make=False) as folder:
        _status(path, folder)
        os.unlink(path.name, dir_fd=folder)


def _absolute(path: Path) -> Path:
    """The path without links that are the user's."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - as above
    top = outermost_in_checkout(path)
    return path.resolve() if top is None else top.resolve() / path.relative_to(top)


@contextmanager
def _opened(path: Path, *, make: bool) -> Iterator[int]:
    """A folder, reached through no link of a checkout."""
    top = outermost_in_checkout(path / "file")
    parts: Sequence[str] = path.relative_to(top).parts if top else ()
    if top is None and make:
        path.mkdir(parents=True, exist_ok=True)
    folder = os.open(top or path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for number, part in enumerate(parts, 1):
            inner = _inner(folder, part, (top or path).joinpath(*parts[:number]), make=make)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _inner(folder: int, name: str, place: Path, *, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError as error:
        if place.is_symlink():
            raise linked(place) from error
        raise


def _status(path: Path, folder: int) -> os.stat_result | None:
    """What is at a path now, if anything is."""
    try:
        status = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(status.st_mode):
        raise linked(path)
    return status


def _replace(folder: int, name: str, data: bytes, status: os.stat_result | None) -> None:
    beside = f".tetrad-{os.urandom(8).hex()}"
    made = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder)
    try:
        with open(made, "wb") as stream:  # noqa: PTH123
            stream.write(data)
            if status is not None:
                os.fchmod(stream.fileno(), stat.S_IMODE(status.st_mode))
        os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(beside, dir_fd=folder)
        raise


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What the system complains of, about the path that was asked for."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
