"""The identities that an environment keeps, by its pointers: loaded again from their snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tetrad.canonical import Digest
from tetrad.errors import ArtifactError, ClusterError, MissingExtra
from tetrad.model import Cluster, Environment, Stack
from tetrad.pointer import Deployers, Pointer, ServedIdentity
from tetrad.pointer.kept_pointers import KeptPointers
from tetrad.pointer.opening import store_of
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import Place, open_ledger, registry_place
from tetrad.registry.ledger import Ledger
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


def retained(
    root: Path,
    environment: Environment,
    *,
    since: datetime,
    known: Iterable[tuple[Stack, Snapshot]] = (),
    warn: Callable[[str], None] = lambda _: None,
) -> tuple[Retained, ...]:
    """What the pointer names, and what it has named since a moment; nothing before the first
    deployment. Those that are `known` are not loaded again.

    A cluster that cannot be asked has its pointer in the registry, as far as that was told. Where that
    knows of none either, `warn` is told.
    """
    place, problem = registry_place(root), ""
    there = {snapshot.digest: (stack, snapshot) for stack, snapshot in known}
    if environment.cluster is not None:
        try:
            kept_there = store_of(environment, lambda: place)
            return _retained(kept_there, place, environment, since, there)
        except (ClusterError, MissingExtra) as error:
            problem = str(error).partition("\n")[0]
    found: tuple[Retained, ...] = ()
    if not isinstance(place, Path) or place.exists():
        store = PointerStore(place, Deployers.of(environment))
        found = _retained(store, place, environment, since, there)
    if problem and not found:
        warn(_unknown(environment, problem))
    return found


def _unknown(environment: Environment, problem: str) -> str:
    return (
        f"{environment.name}: what the pointer keeps is not known here; without it, identities that"
        " answer or that a rollback goes back to have no model server and no snapshot"
        f"\n  the registry has no pointer of {environment.name}, and the cluster does not tell it:"
        f"\n  {problem}"
        "\n  help: set TETRAD_REGISTRY to the environment's registry, or KUBECONFIG; before the first"
        " deployment there is nothing to keep"
    )


def kept(root: Path, environment: Environment, snapshot: Digest) -> Retained:
    """An identity by its snapshot, which need not be one that the environment served yet."""
    with ExitStack() as held:
        ledger = held.enter_context(open_ledger(registry_place(root)))
        return _loaded(_snapshot(ledger, environment.cluster, held, snapshot), None)


def _retained(
    opened: KeptPointers,
    place: Place,
    environment: Environment,
    since: datetime,
    known: Mapping[Digest, tuple[Stack, Snapshot]],
) -> tuple[Retained, ...]:
    with opened as store:
        named = list(_named(store.history(), since))
    found = []
    with ExitStack() as held:
        ledger = held.enter_context(open_ledger(place))
        for served, unused in named:
            if served.snapshot in known:
                stack, snapshot = known[served.snapshot]
                found.append(Retained(stack=stack, snapshot=snapshot, unused_since=unused))
            else:
                loaded = _snapshot(ledger, environment.cluster, held, served.snapshot)
                found.append(_loaded(loaded, unused))
    return tuple(found)


def _snapshot(ledger: Ledger, cluster: Cluster | None, held: ExitStack, digest: Digest) -> Snapshot:
    """From the registry, or else from the namespace that serves it."""
    try:
        return load_exact(ledger, digest)
    except ArtifactError:
        if cluster is None:
            raise
    from tetrad.cluster_api import ClusterApi
    from tetrad.snapshots.in_cluster import load_nearest

    api = held.enter_context(ClusterApi(cluster.context, cluster.namespace))
    return load_nearest(api, ledger, digest)


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
