"""Keeping snapshots in the ledger: the bytes behind an identity outlast the commit in Git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tetrad.canonical import Digest, canonical_json
from tetrad.registry import NewEntry
from tetrad.registry.snapshot_contents import contents_in
from tetrad.snapshots.snapshot import Snapshot

if TYPE_CHECKING:
    from tetrad.registry.ledger import Ledger


def keep(ledger: Ledger, snapshot: Snapshot) -> Digest:
    """Append a snapshot, unless all of it is there; its digest."""
    known = ledger.entries(kind="snapshot", identity=snapshot.identity)
    is_known = any(entry.content == snapshot.digest for entry in known)
    if not is_known or not ledger.has([snapshot.digest, *contents_in(snapshot.manifest)]):
        new = NewEntry(
            kind="snapshot",
            stack=snapshot.stack,
            identity=snapshot.identity,
            content=snapshot.manifest,
            beside=(canonical_json(snapshot.document), *snapshot.files.values()),
        )
        ledger.extend([new])
    return snapshot.digest
