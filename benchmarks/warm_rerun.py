"""A second run of 5,000 unchanged cases: nothing is asked, everything is graded again.

    python benchmarks/warm_rerun.py [--cases 5000]

The limit: 1.5 s after start-up (imports done, files loaded). The first run, which asks an
in-process engine of zero latency, stands beside it, and so does loading the files.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from many_cases import lay_down, opened

from tetrad.evals import execute
from tetrad.loading.repositories import load_repository
from tetrad.model import Suite
from tetrad.results.outcome import Calls

LIMIT_S = 1.5
ROUNDS = 3


def main() -> int:
    parser = argparse.ArgumentParser(description="the second run of an unchanged suite")
    parser.add_argument("--cases", type=int, default=5000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = lay_down(Path(folder), args.cases)
        start = time.perf_counter()
        suite = load_repository(root).suites["evals/triage"]
        loading = time.perf_counter() - start
        cold, calls = _run(root, suite)
        _expect(calls, Calls(made=args.cases))
        warm = []
        for _ in range(ROUNDS):
            seconds, calls = _run(root, suite)
            _expect(calls, Calls(cached=args.cases))
            warm.append(seconds)
    best = min(warm)
    held = best < LIMIT_S
    print(f"{args.cases} cases: loaded in {loading:.2f} s, first run {cold:.2f} s")
    print(f"warm re-run {best:.2f} s, {best / LIMIT_S:.2f} of the limit of {LIMIT_S} s", end=": ")
    print("held" if held else "MISSED")
    return 0 if held else 1


def _run(root: Path, suite: Suite) -> tuple[float, Calls]:
    start = time.perf_counter()
    with opened(root, suite) as (bench, selection):
        asyncio.run(execute([selection], log=bench.runs))
    return time.perf_counter() - start, bench.calls


def _expect(calls: Calls, expected: Calls) -> None:
    if calls != expected:
        raise SystemExit(f"{calls}, and {expected} was expected: the measure is worth nothing")


if __name__ == "__main__":
    sys.exit(main())
