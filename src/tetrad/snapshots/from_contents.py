"""A snapshot from its manifest and the contents that this names, each by its digest."""

from __future__ import annotations

from collections.abc import Mapping

from tetrad.canonical import Digest, read_json
from tetrad.errors import ArtifactError
from tetrad.identity import read_identity
from tetrad.snapshots.snapshot import Snapshot, refuse_paths


def snapshot_from(
    manifest: bytes, contents: Mapping[Digest, bytes], origin: str, *, gone: str
) -> Snapshot:
    """The snapshot that a manifest describes; ArtifactError where a content lacks, which is `gone`, or
    is another than the manifest says.

    Whether its files make its identity is `check_snapshot`'s to say.
    """
    try:
        said = read_json(manifest.decode())
        identity = read_identity(str(said["identity"]))
        paths = {str(file["path"]): Digest.parse(str(file["digest"])) for file in said["files"]}
        refuse_paths(paths, origin)
        lacking = [path for path, digest in paths.items() if digest not in contents]
        if lacking or identity not in contents:
            what = lacking[0] if lacking else "the identity document"
            raise ArtifactError(f"{origin} is incomplete: {what} {gone}")
        snapshot = Snapshot(
            stack=str(said["stack"]),
            document=read_json(contents[identity].decode()),
            release=str(said["release"]),
            files={path: contents[digest] for path, digest in paths.items()},
        )
        is_whole = snapshot.manifest == manifest
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{origin} cannot be read: not a snapshot manifest") from error
    if not is_whole:
        raise ArtifactError(f"{origin} does not hold what its manifest names")
    return snapshot
