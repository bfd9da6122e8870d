"""kill -9 while entries are appended, by one process and by eight: what was acknowledged is there, in
one whole chain, and nothing else but what was on its way.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tetrad.registry import Place, PostgresAddress, open_ledger

# Appends until it is killed, and says what was acknowledged.
WRITE = """
import sys
from pathlib import Path
from tetrad.registry import NewEntry, PostgresAddress, open_ledger
place = PostgresAddress(sys.argv[1]) if "://" in sys.argv[1] else Path(sys.argv[1])
with open_ledger(place) as ledger:
    number = 0
    while True:
        new = [NewEntry(kind="run", content=f"{sys.argv[2]}/{number}/{i}".encode()) for i in range(3)]
        ledger.extend(new)
        print(number, flush=True)
        number += 1
"""
TOGETHER = 3  # entries


def start(place: Place, name: str, told: Path) -> subprocess.Popen[bytes]:
    named = place.url if isinstance(place, PostgresAddress) else str(place)
    with told.open("wb") as output:
        return subprocess.Popen([sys.executable, "-c", WRITE, named, name], stdout=output)


def check(place: Place, told: dict[str, Path]) -> int:
    """Compare the ledger with what each writer was told; how many groups are there."""
    with open_ledger(place) as ledger:
        assert ledger.verify() == []
        written: dict[str, list[str]] = {}
        for entry in ledger.entries():
            name, group, index = (ledger.content(entry.content) or b"").decode().split("/")
            written.setdefault(name, []).append(f"{group}/{index}")
    assert written.keys() <= told.keys()
    groups = 0
    for name, file in told.items():
        acknowledged = len(file.read_text().split())
        there, left = divmod(len(written.get(name, [])), TOGETHER)
        assert left == 0, "a group is there by halves"
        assert there in {acknowledged, acknowledged + 1}
        assert written.get(name, []) == [
            f"{group}/{index}" for group in range(there) for index in range(TOGETHER)
        ]
        groups += there
    return groups


def kill_at(
    place: Place, folder: Path, moments: random.Random, *, writers: int, round_: int
) -> dict[str, Path]:
    told = {f"round {round_}, writer {n}": folder / f"{round_}-{n}" for n in range(writers)}
    running = [start(place, name, file) for name, file in told.items()]
    while not any(file.stat().st_size for file in told.values()):
        assert all(process.poll() is None for process in running)
        time.sleep(0.002)
    for process in running:
        time.sleep(moments.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
    for process in running:
        process.wait()
    return told


@pytest.mark.parametrize("writers", [1, 8])
def test_a_killed_writer_leaves_a_whole_chain(place: Place, tmp_path: Path, writers: int) -> None:
    open_ledger(place).close()
    told = kill_at(place, tmp_path, random.Random(7), writers=writers, round_=0)

    assert check(place, told) > 0


@pytest.mark.campaign
@pytest.mark.parametrize("writers", [1, 8])
def test_writers_that_are_killed_again_and_again_lose_and_invent_nothing(
    place: Place, tmp_path: Path, writers: int
) -> None:
    """From an absent ledger on, so that some are killed while the tables are made."""
    moments = random.Random(writers)
    told: dict[str, Path] = {}
    for number in range(40 // writers):
        told |= kill_at(place, tmp_path, moments, writers=writers, round_=number)
        check(place, told)


@pytest.mark.campaign
def test_processes_that_are_killed_while_they_make_the_tables_leave_none_by_halves(
    tmp_path: Path,
) -> None:
    moments = random.Random(7)
    for number in range(40):
        place = tmp_path / f"{number}" / "registry.db"
        told = tmp_path / f"told-{number}"
        process = start(place, "writer", told)
        while not place.exists():
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.wait()

        check(place, {"writer": told})
