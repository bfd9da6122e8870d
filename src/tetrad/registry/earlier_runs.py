"""Runs that tetrads from before the ledger noted in the same file: each becomes an entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, inspect, text

from tetrad.canonical import Digest, canonical_json
from tetrad.registry.appending import extend
from tetrad.registry.entry import NewEntry, written_time

_RUNS = """
    SELECT suite, stack, identity, golden, engine, started, finished, made, cached
    FROM runs WHERE length(identity) = 32 AND length(golden) = 32 ORDER BY id"""


def take_over_runs(connection: Connection, clock: Callable[[], datetime]) -> None:
    """Append a run for each, and drop their table; their results come from kept answers.

    Answers that lie in the file are for `tetrad.answers` to move. Those of the first version cannot
    say what computed them.
    """
    tables = set(inspect(connection).get_table_names())
    if "runs" not in tables:
        return
    rows = connection.execute(text(_RUNS)).mappings().all()
    if rows:
        new = [_entry(dict(row)) for row in rows]
        extend(connection, new, at=written_time(clock()))
    droppable = {"results", "runs"} | (set() if "builds" in tables else {"answers"})
    for table in sorted(droppable & tables):  # results first: they refer to runs
        connection.execute(text(f"DROP TABLE {table}"))


def _entry(row: dict[str, Any]) -> NewEntry:
    said = {
        "kind": "earlier-run",
        "version": 1,
        "suite": row["suite"],
        "golden": str(Digest("sha256", row["golden"])),
        "engine": row["engine"],
        "started": _time(row["started"]),
        "finished": _time(row["finished"]),
        "calls": {"made": row["made"], "cached": row["cached"]},
    }
    return NewEntry(
        kind="run",
        stack=row["stack"],
        identity=Digest("sha256", row["identity"]),
        content=canonical_json(said),
    )


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else written_time(datetime.fromtimestamp(seconds, UTC))
