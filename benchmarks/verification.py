"""Verifying one identity for one environment: an evaluation of ten suites, its summary, an approval, and
what others wrote about the same identity.

    python benchmarks/verification.py [--junk 20]

Processor time of the median call, after start-up, beside the limit of 20 ms. Every envelope is read,
its signature checked against each key of the environment, and every clause decided.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
import signing as s

from tetrad.evidence import verify

LIMIT_S = 0.020
ROUNDS = 50
SUITES = tuple(f"evals/{number}" for number in range(10))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--junk", type=int, default=20, help="envelopes that do not count")
    envelopes = [*passing(), *by_a_stranger(parser.parse_args().junk)]
    expected = s.expected(suites=dict.fromkeys(SUITES, s.parts()))
    known = s.environment().signers
    environment = s.environment(signers={name: known[name] for name in ("ci", "ada")})
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        found = verify(expected, environment, envelopes, now=s.NOW)
        taken.append(time.process_time() - started)
        if not found.is_yes:
            raise SystemExit(f"the identity is refused: {found.unmet}")
    median = statistics.median(taken)
    held = median <= LIMIT_S
    print(
        f"verification of {len(envelopes)} envelopes: {median * 1000:.1f} ms of processor time,"
        f" {median / LIMIT_S:.2f} of the limit of {LIMIT_S * 1000:.0f} ms: {'held' if held else 'MISSED'}"
    )
    return 0 if held else 1


def passing() -> list[bytes]:
    four = (s.requirement(),) * 4
    suites = tuple(s.suite_evaluation(suite=suite, requirements=four) for suite in SUITES)
    run = s.signed(s.evaluation(suites=suites), "ci")
    return [run, s.signed(s.summary(run), "ci"), s.signed(s.approval(), "ada")]


def by_a_stranger(count: int) -> list[bytes]:
    days = (s.NOW - timedelta(days=day) for day in range(count))
    return [s.signed(s.approval(approved_on=day), "a stranger") for day in days]


if __name__ == "__main__":
    sys.exit(main())
