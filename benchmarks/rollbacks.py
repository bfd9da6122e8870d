"""Rollbacks and rollout steps under load: what is lost, what is mislabelled, how long they take.

    python benchmarks/rollbacks.py --peer-python benchmarks/.peers/bin/python

`tetrad serve` stands in front of llmock, which answers after 20 ms with what it was asked; locust asks
at a steady rate, however long answers take, and compares each answer's label with the answer; `tetrad`
rolls out in two steps and back. Both peers come from benchmarks/requirements.txt. A rollback is timed
twice: as a client sees it that polls /identity, and as whoever runs the command waits for it.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

import httpx2
from served_echo import STACK, URL, Repository, asked_steadily, serving, upstream

LIMIT_S = 1.0  # from the command's start until /identity shows the identity before, at the median
LEAST_SHARE = 0.98  # of the rate that is asked for


class Watching:
    """A client that polls /identity: when each change of who answers was seen."""

    def __init__(self, url: str) -> None:
        self.seen: list[tuple[float, str]] = []
        self.slowest_s = 0.0  # of the answers to /identity
        self._url = url
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._poll)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def await_live(self, identity: str, since: float) -> float:
        """How long after a time an identity was seen to answer alone, in seconds."""
        while self._thread.is_alive():
            for at, live in reversed(self.seen):
                if at >= since and live == identity:
                    return at - since
                if at < since:
                    break
            time.sleep(0.002)
        sys.exit("the client that polls /identity has ended")

    def _poll(self) -> None:
        with httpx2.Client(timeout=None) as client:
            while not self._ends.is_set():
                asked = time.monotonic()
                told = client.get(f"{self._url}/identity").json()["stacks"][STACK]["answering"]
                now = time.monotonic()
                self.slowest_s = max(self.slowest_s, now - asked)
                live = told[0]["identity"] if len(told) == 1 else ""
                if not self.seen or self.seen[-1][1] != live:
                    self.seen.append((now, live))
                time.sleep(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer-python", type=Path, required=True)
    parser.add_argument("--turns", type=int, default=25, help="rollouts, each rolled back (25)")
    parser.add_argument("--rate", type=float, default=200, help="requests a second (200)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), arguments.peer_python.parent, arguments.turns, arguments.rate)


def measure(folder: Path, peers: Path, turns: int, rate: float) -> None:
    repository = Repository(folder / "repository")
    old, new = repository.names
    commands, seen = [], []
    with (
        upstream(peers, repository),
        serving(repository),
        asked_steadily(peers, repository, rate, folder),
        Watching(URL) as watching,
    ):
        for turn in range(turns):
            repository.tetrad("deploy local")  # 25 %, then all
            watching.await_live(new, 0)
            began = time.monotonic()
            commands.append(repository.tetrad("rollback local echo --reason turn"))
            seen.append(watching.await_live(old, began))
            repository.tetrad("release local echo")
            print(f"turn {turn + 1}: {commands[-1]:.2f} s, seen after {seen[-1]:.2f} s")
    print(f"slowest /identity  {watching.slowest_s:.2f} s")
    sys.exit(not report(folder, commands, seen, rate))


def report(folder: Path, commands: list[float], seen: list[float], rate: float) -> bool:
    """Whether the limits are kept: every request answered, and labelled right, at the rate."""
    with (folder / "load_stats.csv").open(encoding="utf-8") as file:
        total = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    with (folder / "load_failures.csv").open(encoding="utf-8") as file:
        failures = {row["Error"]: int(row["Occurrences"]) for row in csv.DictReader(file)}
    asked = float(total["Requests/s"])
    print(
        f"requests           {int(total['Request Count']):,} at {asked:.0f}/s (at least"
        f" {LEAST_SHARE:.0%} of {rate:g})"
    )
    print(f"failed             {failures or 0}")
    for name, seconds, limit in (
        ("seen", seen, f" (limit {LIMIT_S:g})"),
        ("command", commands, ""),
    ):
        print(
            f"rollback, {name:<8} {statistics.median(seconds):.2f} s at the median{limit},"
            f" {max(seconds):.2f} s at most"
        )
    return not failures and asked >= LEAST_SHARE * rate and statistics.median(seen) <= LIMIT_S


if __name__ == "__main__":
    main()
