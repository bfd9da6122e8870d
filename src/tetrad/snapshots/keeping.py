"""Keeping snapshots in the ledger: the bytes behind an identity outlast the commit in Git."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from tetrad.canonical import Digest, canonical_json
from tetrad.registry import NewEntry
from tetrad.registry.snapshot_contents import contents_in
from tetrad.snapshots.snapshot import Snapshot

if TYPE_CHECKING:
    from tetrad.registry.ledger import Ledger


def keep(ledger: Ledger, snapshot: Snapshot) -> Digest:
    """Append a snapshot, unless all of it is there; its digest."""
    keep_each(ledger, [snapshot])
    return snapshot.digest


def keep_each(ledger: Ledger, snapshots: Sequence[Snapshot]) -> None:
    """Append those of some snapshots of which not all is there."""
    by_digest = {one.digest: one for one in snapshots}
    known = ledger.entries_about({one.identity for one in snapshots}, ["snapshot"])
    entered = {entry.content for entries in known.values() for entry in entries}
    needed = {
        digest: {digest, *contents_in(one.manifest)}
        for digest, one in by_digest.items()
        if digest in entered
    }
    there = ledger.those_there(chain.from_iterable(needed.values()))
    whole = {digest for digest, contents in needed.items() if contents <= there}
    ledger.extend([_entry(one) for digest, one in by_digest.items() if digest not in whole])


def _entry(snapshot: Snapshot) -> NewEntry:
    return NewEntry(
        kind="snapshot",
        stack=snapshot.stack,
        identity=snapshot.identity,
        content=snapshot.manifest,
        beside=(canonical_json(snapshot.document), *snapshot.files.values()),
    )
