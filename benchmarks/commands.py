"""What a command costs in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """What a process took: of the processors, with the processes that it started, and by the clock."""

    cpu: float
    wall: float


def cost_of(root: Path, *arguments: str, environment: Mapping[str, str]) -> Cost:
    """Run `tetrad` in a repository, which must succeed."""
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "tetrad", "-C", str(root), *arguments]
    start = time.perf_counter()
    child = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**inherited, **environment},
    )
    assert child.stderr is not None
    said = child.stderr.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)} ended with {child.returncode}:\n{said}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - start)
