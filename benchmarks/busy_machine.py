"""The example suite order-desk beside two processes that compute, as on a shared CI runner, and alone.

    python benchmarks/busy_machine.py                # about three minutes on two idle cores
    python benchmarks/busy_machine.py --turns 1

`tetrad eval` answers all cases of the suite with the embedded model, without kept answers, alone and in
company, in turns, so that a machine that slows down slows both; the medians are compared. The limit:
2 times the time alone, which is what a fair share of two cores is worth. Only an idle machine measures
that: other work slows what runs alone, too.

Which setting of OpenMP the engine takes, and what others would cost, is seen by naming them:
`GOMP_SPINCOUNT=300000 python benchmarks/busy_machine.py` is torch as it comes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from commands import cost_of

LIMIT = 2.0
BUSY = 2
_REPOSITORY = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description="a suite of the torch engine on a busy machine")
    parser.add_argument("--turns", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        alone, beside = _measured(Path(folder) / "clone", args.turns)
    ratio = median(beside) / median(alone)
    spins = os.environ.get("GOMP_SPINCOUNT", "not set")
    print(f"order-desk alone {_shown(alone)}; beside {BUSY} busy processes {_shown(beside)}")
    print(f"ratio {ratio:.2f}, limit {LIMIT} (GOMP_SPINCOUNT {spins})", end=": ")
    print("held" if ratio <= LIMIT else "MISSED")
    return 0 if ratio <= LIMIT else 1


def _measured(clone: Path, turns: int) -> tuple[list[float], list[float]]:
    """Seconds of each turn alone, and of each in company."""
    subprocess.run(["git", "clone", "--quiet", "--local", _REPOSITORY, clone], check=True)
    _seconds(clone, "-k", "status-when")  # fetches and converts the model
    alone, beside = [], []
    for _ in range(turns):
        alone.append(_seconds(clone))
        with _company():
            beside.append(_seconds(clone))
    return alone, beside


def _seconds(clone: Path, *selected: str) -> float:
    seconds = cost_of(clone, "eval", "evals/order-desk", *selected, environment={}).wall
    shutil.rmtree(clone / ".tetrad")  # the answers
    return seconds


@contextmanager
def _company() -> Iterator[None]:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def _shown(seconds: Sequence[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in seconds) + " s"


if __name__ == "__main__":
    sys.exit(main())
