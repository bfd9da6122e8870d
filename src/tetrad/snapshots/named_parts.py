"""A snapshot as named parts, as an object of a cluster holds it: people can read them there, and they
take no more room than the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tetrad.canonical import Digest, canonical_json, digest_bytes
from tetrad.errors import ArtifactError, UsageError
from tetrad.snapshots.from_contents import snapshot_from
from tetrad.snapshots.snapshot import MAX_BYTES, Snapshot

MANIFEST = "manifest.json"


def snapshot_parts(snapshot: Snapshot) -> dict[str, bytes]:
    """The manifest by its name, then the identity document and every file by the 64 digits of its digest."""
    contents = (canonical_json(snapshot.document), *snapshot.files.values())
    named = {digest_bytes(content).hex: content for content in contents}
    return {MANIFEST: snapshot.manifest, **dict(sorted(named.items()))}


def snapshot_of_parts(parts: Mapping[str, bytes], origin: str) -> Snapshot:
    """The snapshot in parts, every digest of which is found right; ArtifactError otherwise.

    Whether its files make its identity is `check_snapshot`'s to say.
    """
    manifest = parts.get(MANIFEST)
    if manifest is None:
        raise ArtifactError(f"{origin} holds no snapshot: {MANIFEST} is missing")
    contents = {_digest(name, origin): data for name, data in parts.items() if name != MANIFEST}
    snapshot = snapshot_from(manifest, contents, origin, gone="is missing")
    surplus = sorted(parts.keys() - snapshot_parts(snapshot).keys())
    if surplus:
        raise ArtifactError(f"{origin}: no manifest names {surplus[0]!r}")
    return snapshot


def is_folder_of_parts(path: Path) -> bool:
    return (path / MANIFEST).is_file()


def parts_in(folder: Path) -> dict[str, bytes]:
    """The files of a folder; UsageError where it cannot be read. A mounted ConfigMap has a few of its own,
    whose names begin with dots.
    """
    try:
        files = [path for path in folder.iterdir() if not path.name.startswith("..")]
        size = sum(path.stat().st_size for path in files)
        if size > 2 * MAX_BYTES:
            raise UsageError(f"{folder} has {size:,} bytes, too many for a snapshot")
        return {path.name: path.read_bytes() for path in files}
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}") from error


def _digest(name: str, origin: str) -> Digest:
    try:
        return Digest.parse(f"sha256:{name}")
    except ValueError:
        raise ArtifactError(f"{origin}: {name!r} is no part of a snapshot") from None
