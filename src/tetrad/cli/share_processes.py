"""Further processes of a command that looks at a large repository."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from subprocess import DEVNULL, PIPE, Popen
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple

_MOST = 4  # what is done once takes longer than what a fifth share would save


class ShareProcess(NamedTuple):
    """A process that reads an order as JSON, and writes what it found to a file."""

    order: Mapping[str, Any]
    child: Popen[bytes]
    output: IO[bytes]

    def begin(self, share: Sequence[str]) -> None:
        if self.child.stdin is not None:
            with suppress(BrokenPipeError), self.child.stdin as stream:
                stream.write(json.dumps({**self.order, "share": share}).encode())

    def end(self) -> bytes:
        """What it found; nothing where something else ended it."""
        if self.child.wait() != 0:
            return b""
        self.output.seek(0)
        return self.output.read()


class ShareProcesses(NamedTuple):
    """Processes of a module, all with the same order but for their shares."""

    module: str
    order: Mapping[str, Any]

    @property
    def most(self) -> int:
        """As many as there are cores for this process."""
        try:
            cores = len(os.sched_getaffinity(0))
        except AttributeError:  # not every system says it
            cores = os.cpu_count() or 1
        return min(cores, _MOST) if sys.executable else 1

    @contextmanager
    def started(self, number: int) -> Iterator[Sequence[ShareProcess]]:
        # -P: nothing is imported from the working folder
        command = [sys.executable, "-P", "-m", self.module]
        running: list[ShareProcess] = []
        with ExitStack() as stack:
            with suppress(OSError):  # no more files or processes are allowed
                while len(running) < number:
                    output = stack.enter_context(TemporaryFile())
                    child = Popen(command, stdin=PIPE, stdout=output, stderr=DEVNULL)
                    stack.enter_context(child)
                    stack.callback(child.kill)
                    running.append(ShareProcess(self.order, child, output))
            yield running
