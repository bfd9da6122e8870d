"""Memory of a run of 50,000 cases, files loaded, graded and committed.

    python benchmarks/memory.py [--cases 50000]

The limit: 400 MB of resident memory at the peak, the interpreter and the golden set included.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
from pathlib import Path

from many_cases import lay_down, opened

from tetrad.evals import execute
from tetrad.loading.repositories import load_repository

LIMIT_MB = 400


def main() -> int:
    parser = argparse.ArgumentParser(description="peak memory of one large run")
    parser.add_argument("--cases", type=int, default=50_000)
    args = parser.parse_args()
    before = _peak_mb()
    with tempfile.TemporaryDirectory() as folder:
        root = lay_down(Path(folder), args.cases)
        suite = load_repository(root).suites["evals/triage"]
        loaded = _peak_mb()
        with opened(root, suite) as (bench, selection):
            (run,) = asyncio.run(execute([selection], log=bench.runs))
    peak = _peak_mb()
    passed = sum(case.passed for case in run.cases)
    if passed != args.cases:
        raise SystemExit(f"{passed} of {args.cases} passed; the measure is worth nothing")
    held = peak < LIMIT_MB
    print(
        f"{args.cases} cases: {before:.0f} MB at the start, {loaded:.0f} MB with the files loaded"
    )
    print(f"peak {peak:.0f} MB, {peak / LIMIT_MB:.2f} of the limit of {LIMIT_MB} MB", end=": ")
    print("held" if held else "MISSED")
    return 0 if held else 1


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    sys.exit(main())
