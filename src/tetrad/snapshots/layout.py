"""An OCI image layout in a tar, as skopeo and other tools read it: one artifact in one file."""

from __future__ import annotations

from tetrad.canonical import Digest, Json, canonical_json, digest_bytes
from tetrad.errors import ArtifactError
from tetrad.snapshots.bundle import ARTIFACT, MANIFEST, Bundle, blobs_of, described, read_object
from tetrad.snapshots.tars import read_tar, write_tar

_INDEX = "application/vnd.oci.image.index.v1+json"
_VERSION = {"imageLayoutVersion": "1.0.0"}


def write_layout(bundle: Bundle) -> bytes:
    """The file's bytes: the same for the same bundle."""
    index: Json = {
        "schemaVersion": 2,
        "mediaType": _INDEX,
        "manifests": [
            {
                "mediaType": MANIFEST,
                "artifactType": ARTIFACT,
                "digest": str(bundle.digest),
                "size": len(bundle.manifest),
            }
        ],
    }
    blobs = [bundle.manifest, *bundle.blobs.values()]
    return write_tar(
        {
            "oci-layout": canonical_json(_VERSION),
            "index.json": canonical_json(index),
            **{_place(digest_bytes(blob)): blob for blob in blobs},
        }
    )


def read_layout(data: bytes, origin: str) -> Bundle:
    """The one artifact of a layout; ArtifactError where there is anything else in it."""
    files = read_tar(data, origin)
    version = read_object(_file(files, "oci-layout", origin), origin, "oci-layout")
    if version != _VERSION:
        raise ArtifactError(f"{origin}: unknown version of its layout: {version}")
    index = read_object(_file(files, "index.json", origin), origin, "index.json")
    manifests = index.get("manifests")
    if index.get("schemaVersion") != 2 or not isinstance(manifests, list) or len(manifests) != 1:
        raise ArtifactError(f"{origin}: its index.json names no single snapshot")
    digest, _ = described(manifests[0], (MANIFEST,), origin)
    manifest = _file(files, _place(digest), origin)
    if digest_bytes(manifest) != digest:
        raise ArtifactError(f"{origin}: its manifest is not {digest}")
    digests = [digest for digest, _ in blobs_of(manifest, origin)]
    known = {"oci-layout", "index.json", _place(digest), *map(_place, digests)}
    surplus = sorted(files.keys() - known)
    if surplus:
        raise ArtifactError(f"{origin}: no manifest names {surplus[0]!r}")
    blobs = {found: _file(files, _place(found), origin) for found in digests}
    return Bundle(manifest=manifest, blobs=blobs)


def _file(files: dict[str, bytes], path: str, origin: str) -> bytes:
    if path not in files:
        raise ArtifactError(f"{origin} is not an OCI image layout: {path} is missing")
    return files[path]


def _place(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"
