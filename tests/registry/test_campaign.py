"""However somebody rewrites a registry, `registry verify` says so and names the entry.

`make campaigns` looks at 20,000 mutants, of the 100,000 of TETRAD_MUTANTS; what is wrong with each is
also told without our own reader (`ledger_states`).
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from registry.ledger_mutations import MUTATIONS, fill
from registry.ledger_states import State, problems, read_state, signed_heads, write_state

from tetrad.canonical import Digest
from tetrad.errors import TetradError
from tetrad.registry import Fault, Head, open_ledger
from tetrad.registry.ledger import Ledger

COLUMNS = {
    "ledger_entries": "number, kind, at, stack, identity, environment, content, previous, digest",
    "ledger_contents": "digest, bytes",
}
SHARE = 2  # of ten mutants


def mutants() -> int:
    return int(os.environ.get("TETRAD_MUTANTS", "100000")) * SHARE // 10


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A SQLite file that is written anew for each mutant, with its keys or built anew without."""

    ledger: Ledger
    writer: sqlite3.Connection


@dataclass(frozen=True, kw_only=True)
class Sound:
    """The registry before anybody touched it, and the heads that are on the branch of the evidence."""

    path: Path
    state: State
    heads: Sequence[tuple[int, str]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    path = tmp_path_factory.mktemp("sound") / "registry.db"
    with open_ledger(path) as ledger:
        fill(ledger)
        assert ledger.verify() == []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for name in ("updated", "deleted"):
            connection.execute(f"DROP TRIGGER ledger_entries_{name}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        state = read_state(connection)
    return Sound(path=path, state=state, heads=list(signed_heads(state)))


@pytest.fixture(scope="module")
def registries(sound: Sound, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Registry]]:
    """With the keys of its tables, and without."""
    made = []
    for name in ("keyed", "loose"):
        path = tmp_path_factory.mktemp(name) / "registry.db"
        path.write_bytes(sound.path.read_bytes())
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("PRAGMA synchronous = OFF")
        if name == "loose":
            for table, columns in COLUMNS.items():
                writer.execute(f"DROP TABLE {table}")
                writer.execute(f"CREATE TABLE {table} ({columns})")
        made.append(Registry(ledger=open_ledger(path), writer=writer))
    yield made
    for one in made:
        one.ledger.close()
        one.writer.close()


def laid_down(state: State, registries: Sequence[Registry]) -> Registry:
    """In the file whose keys take it."""
    keyed, loose = registries
    try:
        write_state(keyed.writer, state)
    except sqlite3.Error:
        write_state(loose.writer, state)
        return loose
    return keyed


def refusal_of(ledger: Ledger) -> str:
    """Why not everything can be read as `export` does; nothing but our error is raised."""
    try:
        ledger.contents([entry.content for entry in ledger.entries()])
    except TetradError as error:
        return str(error)
    return ""


def check(mutant: State, sound: Sound, registries: Sequence[Registry]) -> bool:
    """Whether something is found: by `verify`, and in every place where something is wrong."""
    registry = laid_down(mutant, registries)
    state = read_state(registry.writer)
    known = {*sound.heads, *signed_heads(state)}
    wrong = problems(state, iter(known))
    heads = [Head(number, Digest.parse(digest)) for number, digest in known]
    faults = registry.ledger.verify(heads)
    named = {fault.number for fault in faults}
    assert all(named & acceptable for acceptable in wrong), (wrong, faults, mutant)
    assert bool(faults) == bool(wrong), (wrong, faults, mutant)
    for fault in faults:
        assert "entry" in fault.message or "entries" in fault.message
        assert fault.number is None or str(fault.number) in fault.message or _is_end(fault)
    refusal = refusal_of(registry.ledger)
    assert refusal.startswith(f"{registry.ledger.name}: ") if faults and refusal else not refusal
    assert faults or state.rows[: sound.heads[-1][0]] == sound.state.rows[: sound.heads[-1][0]]
    return bool(faults)


def _is_end(fault: Fault) -> bool:
    return f"the ledger ends with entry {(fault.number or 0) - 1}, but" in fault.message


def run(kind: str, count: int, sound: Sound, registries: Sequence[Registry]) -> Counter[str]:
    random = Random(kind)
    made: Counter[str] = Counter()
    for _ in range(count):
        mutant = sound.state.copy()
        MUTATIONS[kind](mutant, random)
        made["found" if check(mutant, sound, registries) else "whole"] += 1
    return made


@pytest.mark.parametrize("kind", MUTATIONS)
def test_a_rewritten_registry_is_found_with_its_entry(
    kind: str, sound: Sound, registries: Sequence[Registry]
) -> None:
    assert run(kind, 40, sound, registries)["found"] > 0


@pytest.mark.campaign
@pytest.mark.parametrize("kind", MUTATIONS)
def test_many_rewritten_registries_are_found_with_their_entries(
    kind: str, sound: Sound, registries: Sequence[Registry]
) -> None:
    count = mutants() // len(MUTATIONS) + 1
    made = run(kind, count, sound, registries)
    assert made.total() == count
    assert made["found"] > count * 0.2


# -- files whose bytes are others


def damage(path: Path, data: bytes, random: Random) -> None:
    """Bits flipped, bytes overwritten or the end cut off."""
    damaged = bytearray(data)
    place = random.randrange(len(data))
    match random.randrange(4):
        case 0:
            damaged[place] ^= 1 << random.randrange(8)
        case 1:
            damaged[place : place + 16] = random.randbytes(16)
        case 2:
            damaged[place : place + 512] = bytes(len(damaged[place : place + 512]))
        case _:
            del damaged[place:]
    for beside in path.parent.glob(f"{path.name}-*"):
        beside.unlink()
    path.write_bytes(damaged)


def faults_of(path: Path, sound: Sound) -> list[str]:
    """What is said of the file, as faults or as the one error."""
    try:
        with open_ledger(path) as ledger:
            faults = ledger.verify([Head(n, Digest.parse(digest)) for n, digest in sound.heads])
            assert faults or not refusal_of(ledger)
    except TetradError as error:
        return [str(error)]
    return [fault.message for fault in faults]


def is_found(path: Path, sound: Sound) -> bool:
    """Whether anything is wrong with the file; else it holds what it did."""
    faults = faults_of(path, sound)
    assert all("entry" in one or "entries" in one or "damaged" in one for one in faults), faults
    if not faults:
        with closing(sqlite3.connect(path)) as connection:
            assert read_state(connection) == sound.state
    return bool(faults)


def damaged_files(count: int, sound: Sound, folder: Path) -> Counter[str]:
    random, data = Random("files"), sound.path.read_bytes()
    path = folder / "registry.db"
    made: Counter[str] = Counter()
    for _ in range(count):
        damage(path, data, random)
        made["found" if is_found(path, sound) else "whole"] += 1
    return made


def test_a_damaged_file_is_found(sound: Sound, tmp_path: Path) -> None:
    assert damaged_files(40, sound, tmp_path)["found"] > 0


@pytest.mark.campaign
def test_many_damaged_files_are_found(sound: Sound, tmp_path: Path) -> None:
    count = mutants() // len(MUTATIONS) + 1
    assert damaged_files(count, sound, tmp_path)["found"] > count * 0.2
