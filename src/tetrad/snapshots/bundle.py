"""A snapshot as an OCI artifact: a manifest, and the blobs that it names by their digests.

The configuration is the identity document, so that its digest is the identity. The first layer is the
snapshot's manifest, whose digest is the snapshot's, and the second a tar of its files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tetrad.canonical import Digest, Json, canonical_json, digest_bytes
from tetrad.errors import ArtifactError
from tetrad.identity import read_identity, written_identity
from tetrad.snapshots.snapshot import Snapshot
from tetrad.snapshots.tars import read_tar, write_tar
from tetrad.yamldoc.jsontext import refuse_constant

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT = "application/vnd.tetrad.snapshot.v1"
IDENTITY = "application/vnd.tetrad.identity.v1+json"
CONTENTS = "application/vnd.tetrad.snapshot.v1+json"
FILES = "application/vnd.tetrad.snapshot.v1.tar"
MAX_MANIFEST = 4_000_000  # what registries take


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """The manifest's bytes, and the blobs in the order in which it names them."""

    manifest: bytes
    blobs: Mapping[Digest, bytes]

    @property
    def digest(self) -> Digest:
        return digest_bytes(self.manifest)


def bundle_of(snapshot: Snapshot) -> Bundle:
    """The artifact of a snapshot: the same bytes for the same snapshot."""
    config = canonical_json(snapshot.document)
    files = write_tar(snapshot.files)
    manifest: Json = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": ARTIFACT,
        "config": _described(config, IDENTITY),
        "layers": [_described(snapshot.manifest, CONTENTS), _described(files, FILES)],
        "annotations": {
            "dev.tetrad.identity": written_identity(snapshot.identity),
            "dev.tetrad.snapshot": str(snapshot.digest),
            "dev.tetrad.stack": snapshot.stack,
        },
    }
    return Bundle(
        manifest=canonical_json(manifest),
        blobs={digest_bytes(blob): blob for blob in (config, snapshot.manifest, files)},
    )


def snapshot_of(bundle: Bundle, origin: str) -> Snapshot:
    """The snapshot in an artifact, every digest of which is found right; ArtifactError otherwise.

    Whether its files make its identity is `check_snapshot`'s to say.
    """
    descriptors = blobs_of(bundle.manifest, origin)
    if len({digest for digest, _ in descriptors}) != len(descriptors):
        raise ArtifactError(f"{origin}: its manifest names a blob twice")
    config, contents, files = (
        _blob(bundle.blobs, digest, size, origin) for digest, size in descriptors
    )
    document = _canonical(config, "the identity document", origin)
    said = _canonical(contents, "the snapshot's manifest", origin)
    try:
        stack, release = str(said["stack"]), str(said["release"])
        snapshot = Snapshot(
            stack=stack, document=document, release=release, files=read_tar(files, origin)
        )
        identity = read_identity(said["identity"])
        agrees = snapshot.manifest == contents
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactError(f"{origin}: not a snapshot manifest") from error
    if identity != snapshot.identity:
        raise ArtifactError(f"{origin}: its identity document is that of another identity")
    if not agrees:
        raise ArtifactError(f"{origin}: its files are not those that its manifest names")
    return snapshot


def blobs_of(manifest: bytes, origin: str) -> list[tuple[Digest, int]]:
    """Digests and sizes of what a manifest names: configuration, contents, files."""
    document = read_object(manifest, origin, "manifest")
    kinds = (document.get("mediaType", MANIFEST), document.get("artifactType"))
    if document.get("schemaVersion") != 2 or kinds != (MANIFEST, ARTIFACT):
        raise ArtifactError(
            f"{origin} is not a snapshot: it has the type {document.get('artifactType')!r}"
            f"\n  help: `tetrad bundle` writes {ARTIFACT}"
        )
    layers = document.get("layers")
    if not isinstance(layers, list) or len(layers) != 2:
        raise ArtifactError(f"{origin}: a snapshot has two layers")
    wanted = ((document.get("config"), IDENTITY), (layers[0], CONTENTS), (layers[1], FILES))
    return [described(descriptor, (kind,), origin) for descriptor, kind in wanted]


def described(descriptor: Any, kinds: Sequence[str], origin: str) -> tuple[Digest, int]:
    """Digest and size of a descriptor of one of the media types."""
    if not isinstance(descriptor, dict):
        raise ArtifactError(f"{origin}: a descriptor is not an object")
    kind, size = descriptor.get("mediaType"), descriptor.get("size")
    if kind not in kinds:
        raise ArtifactError(f"{origin}: unknown media type {kind!r}, expected {kinds[0]}")
    if type(size) is not int or size < 0:
        raise ArtifactError(f"{origin}: a descriptor has the size {size!r}")
    try:
        return Digest.parse(str(descriptor.get("digest"))), size
    except ValueError as error:
        raise ArtifactError(f"{origin}: {error}") from error


def read_object(data: bytes, origin: str, what: str) -> dict[str, Any]:
    """A JSON object as OCI tools write it, with no key twice."""
    if len(data) > MAX_MANIFEST:
        raise ArtifactError(f"{origin}: its {what} has {len(data):,} bytes, too many")
    try:
        found = json.loads(data, object_pairs_hook=_unique, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{origin}: its {what} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ArtifactError(f"{origin}: its {what} is not an object")
    return found


def _described(data: bytes, kind: str) -> Mapping[str, Any]:
    return {"mediaType": kind, "digest": str(digest_bytes(data)), "size": len(data)}


def _blob(blobs: Mapping[Digest, bytes], digest: Digest, size: int, origin: str) -> bytes:
    data = blobs.get(digest)
    if data is None:
        raise ArtifactError(f"{origin}: the blob {digest} is missing")
    found = digest_bytes(data)
    if found != digest or len(data) != size:
        raise ArtifactError(
            f"{origin}: a blob is not the one that its manifest names"
            f"\n  expected {digest} ({size:,} bytes)\n  found    {found} ({len(data):,} bytes)"
        )
    return data


def _canonical(data: bytes, what: str, origin: str) -> dict[str, Any]:
    """A document whose bytes are the only ones that say what it says."""
    try:
        found = json.loads(data, parse_constant=refuse_constant)
        is_canonical = canonical_json(found) == data
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{origin}: {what} is not JSON: {error}") from error
    if not is_canonical or not isinstance(found, dict):
        raise ArtifactError(f"{origin}: {what} is not canonical JSON (RFC 8785)")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found
