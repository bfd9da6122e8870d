"""A gateway under steady load for a while: its memory, threads, connections and files stay flat.

    python benchmarks/soak.py --peer-python benchmarks/.peers/bin/python --minutes 20

Users ask, stream and hang up (asking_users.py); the upstream fails now and then and breaks streams;
every minute a rollout is rolled back. The first quarter warms up. Growth over the rest, by a line
through all samples, is held against a limit. When the users have gone, the gateway has no more tasks
than before they came, and hardly more open files, which are its connections, too.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
from served_echo import URL, Repository, asked_steadily, serving, upstream

FAULTS = (
    "--error-rate", "503=0.05",
    "--stream-fault", "disconnect=0.02", "--stream-fault", "truncate=0.02",
    "--stream-fault", "malformed=0.02",
)  # fmt: skip
GROWTH = 0.05  # of the median, from the end of the warm-up to the end
SAMPLE_S = 1.0
FILES = 10  # more at rest: a connection to the registry stays open, and has up to three
REST_S = 10.0  # longer than a connection to the upstream stays open unused


@dataclass(frozen=True, kw_only=True)
class Rest:
    """A gateway that nobody asks."""

    tasks: int
    files: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer-python", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, default=50, help="requests a second (50)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(
            not soak(
                Path(folder), arguments.peer_python.parent, arguments.minutes * 60, arguments.rate
            )
        )


def soak(folder: Path, peers: Path, seconds: float, rate: float) -> bool:
    """Whether nothing grows, and nothing is left."""
    repository = Repository(folder / "repository")
    tasks = folder / "tasks"
    counting: list[str | Path] = [
        sys.executable,
        Path(__file__).with_name("counting_tasks.py"),
        tasks,
    ]
    with upstream(peers, repository, *FAULTS), serving(repository, *counting) as gateway:
        process = psutil.Process(gateway)
        roll(repository)  # both identities are loaded from here on
        before = at_rest(process, tasks)
        samples = []
        with asked_steadily(peers, repository, rate, folder):
            end, turn = time.monotonic() + seconds, time.monotonic() + 60
            while time.monotonic() < end:
                samples.append(sampled(process))
                time.sleep(SAMPLE_S)
                if time.monotonic() > turn:
                    roll(repository)
                    turn += 60
        after = at_rest(process, tasks)
    print(f"tasks at rest {before.tasks} before, {after.tasks} after")
    print(f"files at rest {before.files} before, {after.files} after")
    is_flat = report(samples)
    return is_flat and after.tasks <= before.tasks and after.files <= before.files + FILES


def roll(repository: Repository) -> None:
    """A rollout, and back."""
    for command in ("deploy local", "rollback local echo", "release local echo"):
        repository.tetrad(command)


def at_rest(process: psutil.Process, tasks: Path) -> Rest:
    time.sleep(REST_S)
    # whose connection to the upstream stays open, and who finds those that are over
    httpx2.post(f"{URL}/v1/stacks/echo/answer", json={"variables": {"message": "hello"}})
    time.sleep(1)
    tasks.unlink(missing_ok=True)
    os.kill(process.pid, signal.SIGUSR1)
    while not (tasks.exists() and (count := tasks.read_text(encoding="utf-8"))):
        time.sleep(0.05)
    return Rest(tasks=int(count), files=process.num_fds())


def sampled(process: psutil.Process) -> dict[str, float]:
    with process.oneshot():
        return {
            "memory, MB": process.memory_info().rss / 1e6,
            "threads": process.num_threads(),
            "open files": process.num_fds(),
        }


def report(samples: list[dict[str, float]]) -> bool:
    """Whether nothing grows."""
    kept = samples[len(samples) // 4 :]
    fits = True
    for name in kept[0]:
        values = [sample[name] for sample in kept]
        slope = statistics.linear_regression(range(len(values)), values).slope
        growth = slope * len(values) / statistics.median(values)
        fits &= growth <= GROWTH
        print(
            f"{name:<12} {values[0]:8.1f} at first, {values[-1]:8.1f} at last,"
            f" growth {growth:+.1%} (limit {GROWTH:+.0%})"
        )
    return fits


if __name__ == "__main__":
    main()
