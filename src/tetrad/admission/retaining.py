"""The identities that an environment keeps, by its pointers: loaded again from their snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tetrad.model import Environment, Stack
from tetrad.pointer import Deployers, Pointer, ServedIdentity
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import open_ledger, registry_place
from tetrad.snapshots import Snapshot
from tetrad.snapshots.held_tree import HeldTree
from tetrad.snapshots.kept import load_exact
from tetrad.snapshots.taking import stack_named


@dataclass(frozen=True, kw_only=True, slots=True)
class Retained:
    """An identity that the pointer names, or named until a moment."""

    stack: Stack
    snapshot: Snapshot
    unused_since: datetime | None = None  # None: the pointer names it


def retained(root: Path, environment: Environment, *, since: datetime) -> tuple[Retained, ...]:
    """What the pointer names, and what it has named since a moment; nothing before the first
    deployment.
    """
    place = registry_place(root)
    if isinstance(place, Path) and not place.exists():
        return ()
    with PointerStore(place, Deployers.of(environment)) as store:
        found = list(_named(store.history(), since))
    with open_ledger(place) as ledger:
        return tuple(_loaded(load_exact(ledger, s.snapshot), unused) for s, unused in found)


def _named(
    history: Iterator[Pointer], since: datetime
) -> Iterator[tuple[ServedIdentity, datetime | None]]:
    """Each snapshot once, with the moment at which a pointer no longer named it."""
    seen = set()
    followed_at: datetime | None = None  # when the next version took its place
    for pointer in history:
        if followed_at is not None and followed_at <= since:
            return
        for _, served in pointer.loaded():
            if served.snapshot not in seen:
                seen.add(served.snapshot)
                yield served, followed_at
        followed_at = pointer.at


def _loaded(snapshot: Snapshot, unused_since: datetime | None) -> Retained:
    stack = stack_named(HeldTree(snapshot.files), snapshot.stack)
    return Retained(stack=stack, snapshot=snapshot, unused_since=unused_since)
