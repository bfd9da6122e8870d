"""Rollbacks and rollout steps under load: what is lost, what is mislabelled, how long they take.

    python benchmarks/rollbacks.py --peer-python benchmarks/.peers/bin/python

`tetrad serve` stands in front of llmock, which answers after 20 ms with what it was asked; locust asks
at a steady rate and compares each answer's label with the answer; `tetrad` rolls out and back. Both
peers come from benchmarks/requirements.txt. A rollback is timed twice: as whoever runs the command
waits for it, and as a client sees it that polls /identity.
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


class Watching:
    """A client that polls /identity: when each change of who answers was seen."""

    def __init__(self, url: str) -> None:
        self.seen: list[tuple[float, str]] = []
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
        while True:
            for at, live in reversed(self.seen):
                if at >= since and live == identity:
                    return at - since
                if at < since:
                    break
            time.sleep(0.002)

    def _poll(self) -> None:
        with httpx2.Client() as client:
            while not self._ends.is_set():
                told = client.get(f"{self._url}/identity").json()["stacks"][STACK]["answering"]
                live = told[0]["identity"] if len(told) == 1 else ""
                if not self.seen or self.seen[-1][1] != live:
                    self.seen.append((time.monotonic(), live))
                time.sleep(0.01)


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
    with upstream(peers, repository), serving(repository):
        users = asked_steadily(peers, repository, rate, folder)
        with users, Watching(URL) as watching:
            commands, seen = [], []
            for turn in range(turns):
                repository.tetrad("deploy local")  # 25 %, then all
                watching.await_live(new, 0)
                began = time.monotonic()
                commands.append(repository.tetrad("rollback local echo --reason turn"))
                seen.append(watching.await_live(old, began))
                repository.tetrad("release local echo")
                print(f"turn {turn + 1}: {commands[-1]:.2f} s, seen after {seen[-1]:.2f} s")
    report(folder, commands, seen)


def report(folder: Path, commands: list[float], seen: list[float]) -> None:
    with (folder / "load_stats.csv").open(encoding="utf-8") as file:
        total = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    with (folder / "load_failures.csv").open(encoding="utf-8") as file:
        failures = {row["Error"]: int(row["Occurrences"]) for row in csv.DictReader(file)}
    median = statistics.median(commands)
    print(
        f"requests           {int(total['Request Count']):,} at {float(total['Requests/s']):.0f}/s"
    )
    print(f"failed             {failures or 0}")
    print(
        f"rollback, command  {median:.2f} s at the median, {max(commands):.2f} s at most (limit 1)"
    )
    print(
        f"rollback, seen     {statistics.median(seen):.2f} s at the median, {max(seen):.2f} s at most"
    )
    sys.exit(bool(failures) or median > 1)


if __name__ == "__main__":
    main()
