"""A ledger of 10,000 identities and a million results: checking it, and reading parts of it.

    python benchmarks/ledger.py [--identities 10000]

Every identity has one run of 100 cases; there are 100 stacks. The limits are seconds of processor
time after the ledger is opened: a neighbour on the cores lengthens any wait, which stands beside.

- `chain` recomputes the digest of every entry, up to a known head;
- `verify` also digests every content and has SQLite check its file, which grows with
  what the entries say: it has no limit;
- `log` reads all that happened to one stack;
- `diff` reads the runs and results of two identities;
- `identity` reads everything about one identity, as verifying its evidence does;
- `tetrad log` and `tetrad diff` are the commands, with their start, about a stack of which a
  repository has all identities.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from commands import cost_of
from locked_history import lay_down
from sqlalchemy import select

from tetrad.canonical import Digest, Json, canonical_json, digest_bytes
from tetrad.registry import Head, NewEntry, open_ledger
from tetrad.registry.chain import ChainCheck
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.ledger import Ledger
from tetrad.registry.ledger_tables import ENTRIES

CASES = 100
STACKS = 100
BATCH = 250  # identities appended together
ROUNDS = 3
STACK = 50  # the one with a repository
LIMITS_S = {
    "chain": 1.0,
    "log": 1.0,
    "diff": 1.0,
    "identity": 0.02,
    "tetrad log": 1.0,
    "tetrad diff": 1.0,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="checking and reading a large ledger")
    parser.add_argument("--identities", type=int, default=10_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, root = Path(folder) / "registry.db", Path(folder) / "repository"
        documents = lay_down(root, stack_of(STACK), max(1, args.identities // STACKS))
        start = time.perf_counter()
        with open_ledger(path) as ledger:
            identities = fill(ledger, args.identities, documents)
        print(
            f"{args.identities:,} identities, {CASES * args.identities:,} results:"
            f" {path.stat().st_size / 1e6:,.0f} MB in {time.perf_counter() - start:.0f} s"
        )
        with open_ledger(path) as ledger, closing(LedgerDatabase(path)) as database:
            held = [measured("chain", partial(check_chain, database, ledger.head()))]
            held += [measured(*task) for task in tasks(ledger, identities)]
        held += [is_held(*one) for one in costs(root, path, documents)]
    return 0 if all(held) else 1


def costs(root: Path, registry: Path, documents: list[bytes]) -> Iterator[tuple[str, float, float]]:
    """The least that the commands took."""
    before = digest_bytes(documents[len(documents) // 2]).hex[:12]
    for name, *arguments in (("log", stack_of(STACK)), ("diff", before, stack_of(STACK))):
        environment = {"TETRAD_REGISTRY": str(registry)}
        found = [cost_of(root, name, *arguments, environment=environment) for _ in range(ROUNDS)]
        yield f"tetrad {name}", *min(found)


def stack_of(number: int) -> str:
    return f"stacks/stack-{number % STACKS}"


def fill(ledger: Ledger, count: int, documents: list[bytes]) -> list[Digest]:
    identities = []
    for start in range(0, count, BATCH):
        new: list[NewEntry] = []
        for number in range(start, min(start + BATCH, count)):
            document = canonical_json({"kind": "identity", "version": 1, "number": number})
            if number % STACKS == STACK:
                document = documents[number // STACKS]
            happened = list(entries_of(number, document))
            identities.append(digest_bytes(happened[0].content))
            new += happened
        ledger.extend(new)
    return identities


def entries_of(number: int, document: bytes) -> Iterator[NewEntry]:
    """What a gate on a first-seen identity appends."""
    stack, identity = stack_of(number), digest_bytes(document)
    results = b"".join(
        canonical_json(
            {
                "id": f"case-{case}",
                "passed": (case + number) % 7 > 0,
                "missing": False,
                "metrics": {"answer": (case * 7919 + number * 104_729) % 10_007 / 10_007},
            }
        )
        + b"\n"
        for case in range(CASES)
    )
    run: dict[str, Json] = {
        "kind": "run",
        "suite": "evals/suite",
        "suite_digest": str(digest_bytes(b"suite")),
        "preview": False,
        "metrics": {"answer": number % 7 / 7},
        "results": str(digest_bytes(results)),
    }
    decision: dict[str, Json] = {"kind": "decision", "number": number, "suites": []}
    for kind, content in (
        ("identity", document),
        ("results", results),
        ("run", canonical_json({**run, "number": number})),
        ("decision", canonical_json(decision)),
    ):
        yield NewEntry(kind=kind, stack=stack, identity=identity, content=content)  # type: ignore[arg-type]


def check_chain(database: LedgerDatabase, head: Head | None) -> None:
    check = ChainCheck([head] if head else [])
    with database.reading() as connection:
        rows = connection.execute(select(ENTRIES).order_by(ENTRIES.c.number))
        for page in rows.partitions(1_000):
            for _ in check.sound(page):
                pass
    check.finish()
    if check.faults or head is None:
        raise SystemExit(f"{check.faults}: the measure is worth nothing")


def tasks(ledger: Ledger, identities: list[Digest]) -> Iterator[tuple[str, Callable[[], object]]]:
    middle = len(identities) // 2

    def log() -> int:
        entries = list(ledger.entries(stack=stack_of(middle)))
        return sum(len(ledger.content(e.content) or b"") for e in entries if e.kind != "results")

    def results(identity: Digest) -> list[object]:
        (run,) = ledger.entries(kind="run", identity=identity)
        said = json.loads(ledger.content(run.content) or b"")
        lines = (ledger.content(Digest.parse(said["results"])) or b"").splitlines()
        return [json.loads(line) for line in lines]

    def diff() -> int:
        before, after = results(identities[middle]), results(identities[-1])
        return sum(a != b for a, b in zip(before, after, strict=True))

    def identity() -> list[bytes | None]:
        entries = list(ledger.entries(identity=identities[middle]))
        return [ledger.content(entry.content) for entry in entries]

    yield "log", log
    yield "diff", diff
    yield "identity", identity
    yield "verify", ledger.verify


def measured(name: str, task: Callable[[], object]) -> bool:
    taken = []
    for _ in range(1 if name == "verify" else ROUNDS):
        start, used = time.perf_counter(), time.process_time()
        task()
        taken.append((time.process_time() - used, time.perf_counter() - start))
    return is_held(name, *min(taken))


def is_held(name: str, best: float, waited: float) -> bool:
    limit = LIMITS_S.get(name)
    if limit is None:
        print(f"{name:<11} {best:.3f} s ({waited:.3f} s waited)")
        return True
    held = best < limit
    print(
        f"{name:<11} {best:.3f} s ({waited:.3f} s waited), {best / limit:.2f} of the limit of"
        f" {limit} s: {'held' if held else 'MISSED'}"
    )
    return held


if __name__ == "__main__":
    sys.exit(main())
