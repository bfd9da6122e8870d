"""A gateway under steady load for a while: its memory, threads, connections and files stay flat.

    python benchmarks/soak.py --peer-python benchmarks/.peers/bin/python --minutes 20

Users ask, stream and hang up (asking_users.py); the upstream fails now and then and breaks streams;
every minute a rollout is rolled back. The first quarter warms up. Growth over the rest, by a line
through all samples, is held against a limit.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from served_echo import Repository, asked_steadily, serving, upstream

FAULTS = (
    "--error-rate", "503=0.05",
    "--stream-fault", "disconnect=0.02", "--stream-fault", "truncate=0.02",
    "--stream-fault", "malformed=0.02",
)  # fmt: skip
GROWTH = 0.05  # of the median, from the end of the warm-up to the end
SAMPLE_S = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer-python", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, default=50, help="requests a second (50)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples = soak(
            Path(folder), arguments.peer_python.parent, arguments.minutes * 60, arguments.rate
        )
    sys.exit(not report(samples))


def soak(folder: Path, peers: Path, seconds: float, rate: float) -> list[dict[str, float]]:
    repository = Repository(folder / "repository")
    with (
        upstream(peers, repository, *FAULTS),
        serving(repository) as gateway,
        asked_steadily(peers, repository, rate, folder),
    ):
        process, samples = psutil.Process(gateway), []
        end, turn = time.monotonic() + seconds, time.monotonic() + 60
        while time.monotonic() < end:
            samples.append(sampled(process))
            time.sleep(SAMPLE_S)
            if time.monotonic() > turn:
                for command in ("deploy local", "rollback local echo", "release local echo"):
                    repository.tetrad(command)
                turn += 60
    return samples


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
