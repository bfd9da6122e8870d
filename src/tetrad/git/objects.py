"""Contents by their ids, read from Git's objects by one process a repository."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, NamedTuple

from tetrad.errors import GitError
from tetrad.git.checkout import Checkout, command

_FOUND = 3  # words of an answer with a content: its id, its kind, its size


class _Asked(NamedTuple):
    """A process that answers ids with contents."""

    ids: IO[bytes]
    contents: IO[bytes]
    complaints: IO[bytes]


class Objects:
    """The objects of one repository; the process starts with the first that is asked for."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._asked: _Asked | None = None
        self._open = ExitStack()
        self._lock = Lock()
        self._last: tuple[str, bytes] | None = None

    def blob(self, name: str) -> bytes:
        """The content with an id; GitError where the repository cannot give it."""
        with self._lock:
            if self._last is None or self._last[0] != name:
                self._last = name, self._content(name)  # often the same one is asked for again
            return self._last[1]

    def close(self) -> None:
        self._open.close()

    def _content(self, name: str) -> bytes:
        if self._asked is None:
            self._asked = self._started()
        ids, contents, complaints = self._asked
        try:
            ids.write(f"{name}\n".encode())
            ids.flush()
        except BrokenPipeError:
            pass  # it has said why
        else:
            answer = contents.readline().split()
            if len(answer) == _FOUND and answer[1] == b"blob":
                size = int(answer[2])
                data = contents.read(size + 1)
                if len(data) == size + 1:
                    return data[:-1]
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip()
        raise GitError(f"git cat-file failed: {said or f'there is no content {name}'}")

    def _started(self) -> _Asked:
        complaints = self._open.enter_context(TemporaryFile())  # noqa: SIM115 - `close` does
        process = subprocess.Popen(
            command(self._checkout.root, "cat-file", "--batch"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=self._checkout.environment(),
        )
        self._open.enter_context(process)
        if process.stdin is None or process.stdout is None:
            raise GitError("git cat-file has no pipes")
        return _Asked(process.stdin, process.stdout, complaints)
