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
        f"identity  {written_identity(snapshot.identity)}",
        f"snapshot  {snapshot.digest}",
        f"holds     {files}, {snapshot.size:,} bytes (Tetrad {snapshot.release})",
    ]
