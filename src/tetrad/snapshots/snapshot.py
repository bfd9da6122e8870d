"""A snapshot as a value, and the manifest whose digest is the snapshot's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tetrad.canonical import Digest, Json, canonical_json, digest_bytes
from tetrad.errors import ArtifactError
from tetrad.trees import is_of_git

MAX_FILES = 100_000
MAX_BYTES = 1_000_000_000  # of all files together; they are held in memory
_MAX_PATH = 1_024  # bytes
_MAX_NAME = 255  # bytes of one part, which is what file systems take
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The files that a stack's identity comes from, by their paths from the repository's root."""

    stack: str  # its reference
    document: Mapping[str, Json]  # whose digest is the identity
    release: str  # of Tetrad, that took it
    files: Mapping[str, bytes]

    @cached_property
    def identity(self) -> Digest:
        return digest_bytes(canonical_json(self.document))

    @cached_property
    def manifest(self) -> bytes:
        """RFC 8785 bytes that name every file, and what they make."""
        files: Json = [
            {"path": path, "digest": str(digest_bytes(data)), "size": len(data)}
            for path, data in sorted(self.files.items())
        ]
        return canonical_json(
            {
                "kind": "snapshot",
                "version": 1,
                "stack": self.stack,
                "identity": f"tetrad:{self.identity.hex}",
                "runtime": self.document["runtime"],
                "release": self.release,
                "files": files,
            }
        )

    @property
    def digest(self) -> Digest:
        return digest_bytes(self.manifest)

    @property
    def size(self) -> int:
        return sum(map(len, self.files.values()))


def refuse_paths(paths: Mapping[str, object], origin: str) -> None:
    """ArtifactError where files of these paths cannot lie below one folder, and in no other."""
    if len(paths) > MAX_FILES:
        raise ArtifactError(f"{origin}: {len(paths):,} files are more than {MAX_FILES:,}")
    folders: set[str] = set()
    for path in paths:
        refuse_path(path, origin)
        parts = path.split("/")
        folders.update("/".join(parts[:end]) for end in range(1, len(parts)))
    both = sorted(folders & paths.keys())
    if both:
        raise ArtifactError(f"{origin}: {both[0]!r} is a file and a folder")


def refuse_path(path: str, origin: str) -> None:
    """ArtifactError for a path that leads out of its folder, or that a system may read otherwise."""
    parts = path.split("/")
    why = ""
    if path.startswith("/") or ".." in parts:
        why = "leads out of the folder"
    elif not all(parts) or "." in parts or "\\" in path or _CONTROL.search(path):
        why = "is not a plain path"
    elif is_of_git(path):
        why = "is Git's own"
    elif len(_bytes(path)) > _MAX_PATH or any(len(_bytes(part)) > _MAX_NAME for part in parts):
        why = "is too long"
    if why:
        raise ArtifactError(f"{origin}: the path {path[:200]!r} {why}")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
