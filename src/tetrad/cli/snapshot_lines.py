"""What is said of a snapshot, whichever way it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tetrad.snapshots import Snapshot


def lines_of_snapshot(snapshot: Snapshot) -> list[str]:
    from tetrad.identity import written_identity
    from tetrad.text import pluralize

    files = pluralize(len(snapshot.files), "file")
    return [
        snapshot.stack,
        row("identity", written_identity(snapshot.identity)),
        row("snapshot", str(snapshot.digest)),
        row("holds", f"{files}, {snapshot.size:,} bytes (Tetrad {snapshot.release})"),
    ]


def row(label: str, value: str) -> str:
    """A line that a digest fits on, on a terminal of 80 columns."""
    return f"{label:<9}{value}"
