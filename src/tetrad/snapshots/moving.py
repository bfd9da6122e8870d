"""Bundles in a registry of OCI artifacts."""

from __future__ import annotations

from tetrad.artifacts.oci import OciReference, OciRepository
from tetrad.errors import ArtifactError, UsageError
from tetrad.snapshots.bundle import MANIFEST, Bundle, blobs_of
from tetrad.snapshots.snapshot import MAX_BYTES


def push(bundle: Bundle, written: str) -> OciReference:
    """Store a bundle; the reference by which it is found again, whatever becomes of its tag."""
    place = OciReference.parse(written)
    if place.digest is not None:
        raise UsageError(
            f"{written} names a digest, which the bundle has by itself\n  help: use a tag"
        )
    with OciRepository.opened(place) as repository:
        for blob in bundle.blobs.values():
            repository.push_blob(blob)
        repository.push_manifest(bundle.manifest, MANIFEST)
    return OciReference(host=place.host, repository=place.repository, digest=bundle.digest)


def pull(written: str) -> Bundle:
    """The bundle that a reference names, each of its bytes found right."""
    with OciRepository.opened(OciReference.parse(written)) as repository:
        manifest = repository.manifest(MANIFEST)
        named = blobs_of(manifest, written)
        if sum(size for _, size in named) > 2 * MAX_BYTES:
            raise ArtifactError(f"{written}: its blobs have over {2 * MAX_BYTES:,} bytes")
        blobs = {digest: repository.blob(digest, size) for digest, size in named}
        return Bundle(manifest=manifest, blobs=blobs)
