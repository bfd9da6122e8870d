"""Runs `tetrad` in this process, and writes into a file how many tasks its event loop has when it gets
SIGUSR1: nothing outside of it can tell.

    python benchmarks/counting_tasks.py FILE serve local
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from tetrad.cli import main


def count(_: int, __: object) -> None:
    Path(sys.argv[1]).write_text(str(len(asyncio.all_tasks())), encoding="utf-8")


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, count)
    sys.exit(main(sys.argv[2:]))
