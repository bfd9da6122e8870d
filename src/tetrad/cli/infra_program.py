"""The repository's own infrastructure program: what runs in Kubernetes is decided there.

Each of its scripts is a process of its own, whose modules are those beside it, as under Pulumi.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tetrad.errors import ExitCode, UsageError

_FOLDER = "infra"


def has_script(root: Path, name: str) -> bool:
    return (root / _FOLDER / name).is_file()


def run_script(root: Path, name: str, *arguments: str) -> ExitCode:
    """Run a script; it tells on its own what it does and what is wrong."""
    code, _ = _ended(_command(root, name, *arguments), None)
    return _code(name, code)


def ask_script(root: Path, name: str, *arguments: str) -> tuple[ExitCode, Any]:
    """Run a script, and read the JSON that it prints; None where it says why there is none."""
    code, text = _ended(_command(root, name, *arguments), subprocess.PIPE)
    return _code(name, code), json.loads(text) if text else None


@contextmanager
def waiting_script(
    root: Path, name: str, *arguments: str
) -> Iterator[Callable[[list[str]], ExitCode]]:
    """A script that loads what it needs, and then waits for the stacks that it is to be about.

    What is yielded gives it these, and runs it to its end. A script that was given none has done nothing,
    and is ended.
    """
    command = _command(root, name, *arguments)
    reading, writing = os.pipe()
    with (
        os.fdopen(writing, "w", encoding="utf-8") as told,
        subprocess.Popen(
            [*command, "--stacks-from", str(reading)],
            pass_fds=[reading],
            text=True,
            start_new_session=True,
        ) as process,
    ):
        os.close(reading)

        def run(stacks: list[str]) -> ExitCode:
            with suppress(BrokenPipeError):  # of one that is at its end already: it says why
                json.dump(stacks, told)
                told.close()
            _end_of(process)
            return _code(name, process.returncode)

        try:
            yield run
        finally:
            if not told.closed:  # one that was given its stacks is never left half done
                process.kill()


def _ended(command: list[str], stdout: int | None) -> tuple[int, str | None]:
    """In a group of its own."""
    with subprocess.Popen(command, stdout=stdout, text=True, start_new_session=True) as process:
        text = _end_of(process)
    return process.returncode, text


def _end_of(process: subprocess.Popen[str]) -> str | None:
    """Wait for a process, and for what it says. Its group is interrupted once, and waited for: what it
    applies is not to be left half done.
    """
    try:
        text, _ = process.communicate()
    except KeyboardInterrupt:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        process.wait()
        raise
    return text


def _command(root: Path, name: str, *arguments: str) -> list[str]:
    program = root / _FOLDER / name
    if not program.is_file():
        raise UsageError(
            f"there is no {_FOLDER}/{name}"
            f"\n  help: run `tetrad init --deploy`, which lays {_FOLDER}/ down"
        )
    return [sys.executable, str(program), *arguments]


def _code(name: str, returncode: int) -> ExitCode:
    if returncode not in set(ExitCode):
        raise UsageError(f"{_FOLDER}/{name} exited with {returncode}")
    return ExitCode(returncode)
