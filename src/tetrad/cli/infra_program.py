"""The repository's own infrastructure program: what runs in Kubernetes is decided there.

Each of its scripts is a process of its own, whose modules are those beside it, as under Pulumi.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
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


def _ended(command: list[str], stdout: int | None) -> tuple[int, str | None]:
    """Run it in a group of its own, which is interrupted once, and waited for: what it applies is not to
    be left half done.
    """
    with subprocess.Popen(command, stdout=stdout, text=True, start_new_session=True) as process:
        try:
            text, _ = process.communicate()
        except KeyboardInterrupt:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            process.wait()
            raise
    return process.returncode, text


def _command(root: Path, name: str, *arguments: str) -> list[str]:
    program = root / _FOLDER / name
    if not program.is_file():
        raise UsageError(
            f"there is no {_FOLDER}/{name}"
            f"\n  help: copy {_FOLDER}/ of Tetrad's own repository into yours"
        )
    return [sys.executable, str(program), *arguments]


def _code(name: str, returncode: int) -> ExitCode:
    if returncode not in set(ExitCode):
        raise UsageError(f"{_FOLDER}/{name} exited with {returncode}")
    return ExitCode(returncode)
