"""Snapshots that lie in a namespace as immutable objects: in parts, or where to fetch them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from tetrad.canonical import Digest
from tetrad.cluster_api import ClusterApi, Object, ResourceCollection
from tetrad.errors import ArtifactError, ClusterError
from tetrad.snapshots.bundle import snapshot_of
from tetrad.snapshots.kept import load_exact
from tetrad.snapshots.moving import pull
from tetrad.snapshots.named_parts import snapshot_of_parts
from tetrad.snapshots.snapshot import Snapshot
from tetrad.snapshots.taking import check_snapshot

if TYPE_CHECKING:
    from tetrad.registry.ledger import Ledger

_CONFIG_MAPS = ResourceCollection(api="api/v1", resource="configmaps")
_FORMS = ("snapshot", "bundle")  # how an object's name begins, before digits of the digest
_DIGITS = 12


def load_nearest(api: ClusterApi, ledger: Ledger, digest: Digest) -> Snapshot:
    """The snapshot with a digest from the namespace, or else from the ledger; ArtifactError where
    neither has it.
    """
    try:
        found = _find(api, digest)
    except ClusterError as error:
        try:
            return load_exact(ledger, digest)
        except ArtifactError:
            raise error from None
    return found or load_exact(ledger, digest)


def _find(api: ClusterApi, digest: Digest) -> Snapshot | None:
    """A snapshot, verified; None where no object holds it."""
    for form in _FORMS:
        name = f"{form}-{digest.hex[:_DIGITS]}"
        obj = api.get(_CONFIG_MAPS, name)
        if obj is not None:
            return _verified(obj, digest, f"{api.name}: {name}")
    return None


def _verified(obj: Object, digest: Digest, origin: str) -> Snapshot:
    snapshot = _held(obj, origin)
    if snapshot.digest != digest:
        raise ArtifactError(f"{origin} holds another snapshot: {snapshot.digest}, not {digest}")
    check_snapshot(snapshot, origin)
    return snapshot


def _held(obj: Object, origin: str) -> Snapshot:
    """What an object holds, or says where to fetch."""
    texts, packed = (obj.get("data") or {}), (obj.get("binaryData") or {})
    if "bundle" in texts:
        return snapshot_of(pull(texts["bundle"]), origin)
    parts = {name: text.encode(errors="surrogatepass") for name, text in texts.items()}
    try:
        parts |= {name: base64.b64decode(data, validate=True) for name, data in packed.items()}
    except binascii.Error as error:
        raise ArtifactError(f"{origin}: a part of it is not base64: {error}") from error
    return snapshot_of_parts(parts, origin)
