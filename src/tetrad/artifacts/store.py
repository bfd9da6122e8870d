"""The content-addressed store of fetched files: `store/sha256/ab/ab…`, read-only, verified.

A file enters by an atomic rename after its digest was found right, so what lies at an address is
whole or not there. It is verified again whenever it is handed out.

On trust: reading 90 MB to digest them costs 0.1 to 0.3 s, at every start. So beside a file that was
found right, a note keeps its size, inode, modification and change time, and while those four are
as noted the file counts as verified. Any write, truncation, replacement or chmod by any program
moves the change time, which, unlike the modification time, no program can set back. What escapes is
decay below the file system, and somebody who can write this folder *and* forges the note; but who
can do that as this user can as well change Tetrad itself. A note is only written two seconds after
the last change of the file, because within one tick of the file system's clock (up to 2 s on FAT)
a change would leave the times as they were.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tetrad.artifacts.progress import Progress
from tetrad.canonical import Digest, digest_bytes, digest_file
from tetrad.errors import ArtifactError, UsageError
from tetrad.writing import make_folder

CACHE_VARIABLE = "TETRAD_CACHE"
_SETTLED_NS = 2_000_000_000
_STAGING = "staging-"
_ABANDONED_S = 86_400


@dataclass(frozen=True, slots=True)
class Store:
    """Files by digest under `root`; safe for any number of processes at once."""

    root: Path

    def address(self, digest: Digest) -> Path:
        """Where the file of this digest lies, or would lie."""
        return self.root / "store" / digest.algorithm / digest.hex[:2] / digest.hex

    def load(self, digest: Digest) -> Path | None:
        """The verified file, None where it was never fetched; ArtifactError where it changed."""
        path = self.address(digest)
        try:
            seen = _stamp(path)
            if _noted(path) == seen:
                return path
            found = digest_file(path)
            if found == digest and _stamp(path) == seen:
                _note(path, seen)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise ArtifactError(f"{path} cannot be read: {exc.strerror}") from exc
        if found != digest:
            raise ArtifactError(
                f"{path} was changed after it was fetched\n  expected {digest}\n  found    {found}"
            )
        return path

    def adopt(self, file: Path, digest: Digest, origin: str) -> Path:
        """Take a complete file of this store's file system in, if its digest is right."""
        found = digest_file(file)
        if found != digest:
            file.unlink()
            raise ArtifactError(
                f"{origin} is not the file that is pinned\n  expected {digest}\n  found    {found}"
                "\n  help: the source changed or the pin is wrong; `tetrad pin FILE` writes a new pin"
            )
        path = self.address(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        _sync(file)
        file.chmod(0o444)
        file.replace(path)
        return path

    def discard(self, digest: Digest) -> None:
        """Forget a file, so that it can be fetched again."""
        path = self.address(digest)
        path.unlink(missing_ok=True)
        _note_path(path).unlink(missing_ok=True)

    def begun(self, digest: Digest) -> int:
        """How many bytes of unfinished downloads of a file lie here."""
        parts = (self.root / "partial").glob(f"{digest.hex[:32]}-????????????????")
        return max((part.stat().st_size for part in parts), default=0)

    def partial(self, origin: str, digest: Digest) -> Path:
        """Where an unfinished download of `origin` waits for its continuation."""
        folder = self.root / "partial"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{digest.hex[:32]}-{digest_bytes(origin.encode()).hex[:16]}"

    @contextlib.contextmanager
    def staging_dir(self) -> Iterator[Path]:
        """A temporary folder on the store's own file system, where renames are atomic."""
        folder = self.root / "partial"
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        with tempfile.TemporaryDirectory(dir=folder, prefix=_STAGING) as name:
            yield Path(name)

    @contextlib.contextmanager
    def fetching(self, origin: str, progress: Progress) -> Iterator[None]:
        """Let one process at a time fetch from `origin`; the others wait and then find its files."""
        from filelock import FileLock, Timeout

        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{digest_bytes(origin.encode()).hex[:32]}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting = progress.start(None, f"waiting for another process that fetches {origin}")
            lock.acquire()
            waiting.finish()
        try:
            yield
        finally:
            lock.release()


def store_from_environment() -> Store:
    """The store under TETRAD_CACHE, or in the user's cache folder."""
    root = Path(os.environ.get(CACHE_VARIABLE) or _of_this_user())
    try:
        root = root.expanduser().absolute()
        make_folder(root)
    except (OSError, RuntimeError) as exc:  # RuntimeError: nobody knows where `~` is
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise UsageError(
            f"the cache folder {root} cannot be made: {reason}\n"
            f"  help: set {CACHE_VARIABLE} to a folder that you can write"
        ) from exc
    return Store(root)


def _of_this_user() -> str:
    import platformdirs

    return platformdirs.user_cache_dir("tetrad", appauthor=False)


def _stamp(path: Path) -> str:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise ArtifactError(f"{path} is not a regular file\n  help: remove it, then `tetrad pull`")
    return f"{status.st_size} {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}"


def _note_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified")


def _noted(path: Path) -> str | None:
    try:
        return _note_path(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None


def _note(path: Path, stamp: str) -> None:
    changed_ns = int(stamp.rsplit(" ", 1)[-1])
    if time.time_ns() - changed_ns < _SETTLED_NS:
        return
    # A store on a read-only file system is as good as any, only without notes.
    with (
        contextlib.suppress(OSError),
        tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="ascii") as stream,
    ):
        stream.write(stamp)
        stream.flush()
        Path(stream.name).replace(_note_path(path))


def _sweep(folder: Path) -> None:
    """Remove the staging folders of processes that were killed: each can hold a whole model."""
    for staging in folder.glob(f"{_STAGING}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - staging.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(staging, ignore_errors=True)


def _sync(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
