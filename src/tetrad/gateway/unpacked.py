"""An identity's files on this machine, and the stack that they make: never a working tree."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tetrad.canonical import Digest
from tetrad.errors import ArtifactError, UsageError
from tetrad.identity import identity_of, written_identity
from tetrad.model import Stack
from tetrad.snapshots import Snapshot, unpack
from tetrad.snapshots.taking import stack_named
from tetrad.trees import WorkingTree


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpacked:
    """A stack, loaded from the files of its snapshot."""

    stack: Stack
    files: WorkingTree


def unpacked(snapshot: Snapshot, identity: Digest, cache: Path) -> Unpacked:
    """Lay a snapshot's files out below `cache`, or find them there unchanged, and load its stack.

    ArtifactError where they do not make the identity.
    """
    folder = cache / "snapshots" / snapshot.digest.hex
    is_there = folder.exists()
    if is_there and not _holds(folder, snapshot):
        shutil.rmtree(folder)
        is_there = False
    if not is_there:
        _lay_out(snapshot, folder)
    files = WorkingTree(folder)
    stack = stack_named(files, snapshot.stack)
    found = identity_of(stack)
    if found != identity:
        raise ArtifactError(
            f"the snapshot {snapshot.digest} makes another identity of {snapshot.stack}"
            f"\n  expected {written_identity(identity)}\n  found    {written_identity(found)}"
        )
    return Unpacked(stack=stack, files=files)


def _lay_out(snapshot: Snapshot, folder: Path) -> None:
    try:
        unpack(snapshot, folder)
    except UsageError:
        if not _holds(folder, snapshot):  # else another gateway on this cache was faster
            raise


def _holds(folder: Path, snapshot: Snapshot) -> bool:
    """Whether the folder has exactly the snapshot's files."""
    there = {
        file.relative_to(folder).as_posix(): file
        for file in folder.rglob("*")
        if not file.is_dir() and "__pycache__" not in file.parts
    }
    return there.keys() == snapshot.files.keys() and all(
        not there[path].is_symlink() and there[path].read_bytes() == data
        for path, data in snapshot.files.items()
    )
