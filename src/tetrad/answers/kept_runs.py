"""How runs went: their results and how long calls took, which kept answers can give again.

What happened is the registry's to say. A run's end waits for the disk, so that answers that were
paid for survive a power cut, too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tetrad.answers.cache_tables import TABLES
from tetrad.canonical import Digest
from tetrad.database import Closing, Database
from tetrad.results.codec import Codec
from tetrad.results.outcome import Calls, CaseOutcome

_CODEC = Codec()
# Made once: json.dumps with options builds an encoder at each call.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode
_KEEP_RESULT = 'INSERT OR REPLACE INTO results (run, position, "case", outcome) VALUES (?, ?, ?, ?)'


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """What was executed: one suite against one identity, and what answered, in words."""

    suite: str
    stack: str
    identity: Digest
    golden: Digest
    engine: str


class KeptRuns(Closing):
    """Runs and their results, in the file of the answers; used from the thread that opened it."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self.path = database.path
        self._database = database
        self._connection = database.connection
        self._clock = clock

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Self:
        """Open the file, made where it is absent."""
        return cls(Database(path, TABLES), clock)

    def close(self) -> None:
        self._database.close()

    def start_runs(self, records: Sequence[RunRecord]) -> list[int]:
        """Note that suites are about to run, together; the numbers name the runs from now on."""
        now = self._clock()
        with self._database.transaction():
            cursors = [
                self._connection.execute(
                    "INSERT INTO runs (suite, stack, identity, golden, engine, started)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (*_subject(record), now),
                )
                for record in records
            ]
        return [int(cursor.lastrowid or 0) for cursor in cursors]

    def keep_results(self, run: int, outcomes: Iterable[tuple[int, CaseOutcome]]) -> None:
        """Commit outcomes of a run, each with its position in the golden set, without traces: those
        are made again from the answers.
        """
        rows = [(run, position, o.id, _dump(o)) for position, o in outcomes]
        with self._database.transaction():
            self._connection.executemany(_KEEP_RESULT, rows)

    def finish_run(self, run: int, record: RunRecord, calls: Calls, *, replaces: bool) -> None:
        """Note a run's end. Where it `replaces` the subject's earlier runs, their results go: they
        are the bulk of history, and every one of them can be had again from the answers.
        """
        with self._database.transaction(synced=True):
            self._connection.execute(
                "UPDATE runs SET finished = ?, made = ?, cached = ? WHERE id = ?",
                (self._clock(), calls.made, calls.cached, run),
            )
            if replaces:
                self._connection.execute(
                    "DELETE FROM results WHERE run IN (SELECT id FROM runs WHERE id < ?"
                    " AND suite = ? AND stack = ? AND identity = ? AND golden = ? AND engine = ?)",
                    (run, *_subject(record)),
                )

    def results(self, run: int) -> tuple[CaseOutcome, ...]:
        """A run's outcomes in the golden set's order, without traces."""
        with self._database.explained():
            rows = self._connection.execute(
                "SELECT outcome FROM results WHERE run = ? ORDER BY position", (run,)
            ).fetchall()
        return tuple(_CODEC.load(CaseOutcome, json.loads(outcome)) for (outcome,) in rows)

    def seconds_a_call(self, stack: str, engine: str) -> float | None:
        """How long a call for a stack took of late on a kind of engine; None where none was made.

        Runs that started together share the time by their calls, other stacks' runs included. Half
        of the latest calls were at least so quick: a machine that was busy once does not count.
        """
        with self._database.explained():
            paces = self._connection.execute(
                "SELECT (max(finished) - started) / sum(made) AS pace,"
                " sum(made) FILTER (WHERE stack = ?) AS own FROM runs WHERE finished IS NOT NULL"
                " AND made > 0 AND (engine = ? OR engine LIKE ? || ' %')"
                # A clock that was set back meanwhile measured nothing.
                " GROUP BY started HAVING own > 0 AND pace >= 0 ORDER BY started DESC LIMIT 5",
                (stack, engine, engine),
            ).fetchall()
        calls = [pace for pace, own in sorted(paces) for _ in range(own)]
        return calls[(len(calls) - 1) // 2] if calls else None


def _dump(outcome: CaseOutcome) -> bytes:
    # A model may answer with a lone surrogate (from a JSON escape); UTF-8 proper has no bytes for it.
    return _encode(_CODEC.dump(outcome)).encode("utf-8", "surrogatepass")


def _subject(record: RunRecord) -> Sequence[str | bytes]:
    return (
        record.suite,
        record.stack,
        record.identity.value,
        record.golden.value,
        record.engine,
    )
