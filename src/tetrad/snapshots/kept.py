"""Snapshots that the ledger keeps, loaded without a checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tetrad.canonical import Digest
from tetrad.errors import ArtifactError
from tetrad.identity import written_identity
from tetrad.registry.snapshot_contents import contents_in
from tetrad.snapshots.from_contents import snapshot_from
from tetrad.snapshots.taking import check_snapshot

if TYPE_CHECKING:
    from tetrad.registry.ledger import Ledger
    from tetrad.snapshots.snapshot import Snapshot

_ERASED = "`tetrad registry export` says when and why it was erased"


def load(ledger: Ledger, identity: Digest) -> Snapshot:
    """The newest snapshot of an identity of which nothing was erased, verified; ArtifactError where
    there is none.
    """
    found = [entry.content for entry in ledger.entries(kind="snapshot", identity=identity)]
    if not found:
        raise ArtifactError(
            f"{ledger.name}: no snapshot of {written_identity(identity)}"
            "\n  help: `tetrad attest` and `tetrad admit` keep one"
        )
    whole = (digest for digest in reversed(found) if is_whole(ledger, digest))
    snapshot = load_exact(ledger, next(whole, found[-1]))
    if snapshot.identity != identity:
        raise ArtifactError(
            f"{ledger.name}: the snapshot {snapshot.digest} is of"
            f" {written_identity(snapshot.identity)}, not of {written_identity(identity)}"
        )
    return snapshot


def load_exact(ledger: Ledger, digest: Digest) -> Snapshot:
    """The snapshot with a digest; ArtifactError where it is not here, was erased, or does not make
    its identity.
    """
    origin = f"{ledger.name}: the snapshot {digest}"
    manifest = ledger.content(digest)
    if manifest is None:
        raise ArtifactError(f"{origin} is missing, or was erased\n  help: {_ERASED}")
    snapshot = _read(ledger, manifest, origin)
    check_snapshot(snapshot, origin)
    return snapshot


def is_whole(ledger: Ledger, digest: Digest) -> bool:
    """Whether everything is here that the snapshot with a digest names."""
    manifest = ledger.content(digest)
    return manifest is not None and ledger.has(contents_in(manifest))


def _read(ledger: Ledger, manifest: bytes, origin: str) -> Snapshot:
    """A snapshot from its manifest and the contents that this names."""
    found = ledger.contents(contents_in(manifest))
    return snapshot_from(manifest, found, origin, gone=f"was erased\n  help: {_ERASED}")
