"""Which questions a process is asking now, so that another one waits for the answer.

A claim is a lock on one byte of a file beside the registry, at a place that the question's digest
says. The system lets go of it when its process ends, in whatever way; questions that fall on one
byte wait for each other once in a lifetime, and for nothing.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from tetrad.errors import DatabaseUnusable

CLAIMS = "-asking"  # ends the name of the file
_PLACES = 2**62  # byte offsets that every system's locks take
_TAKEN = frozenset({errno.EACCES, errno.EAGAIN})


class QuestionLocks:
    """The claims of this process on one registry's questions."""

    def __init__(self, path: Path) -> None:
        # Nothing is ever written to it.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._file = os.open(path, flags, 0o644)
        except OSError as error:
            raise DatabaseUnusable(
                f"{path}: the file cannot be opened: {error.strerror}\n"
                "  help: make it and its folder writable, or name another file in TETRAD_REGISTRY"
            ) from error

    def take(self, question: bytes) -> bool:
        """Whether the question is this process's to ask; else another one asks it."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(question))
        except OSError as error:
            # Where a file system has no locks, each process asks for itself.
            return error.errno not in _TAKEN
        return True

    def drop(self, question: bytes) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(question))

    def close(self) -> None:
        os.close(self._file)


def _place(question: bytes) -> int:
    return int.from_bytes(question[:8]) % _PLACES
