"""A snapshot's files in a folder, which then is a repository of its own."""

from __future__ import annotations

from pathlib import Path

from tetrad.errors import UsageError
from tetrad.snapshots.snapshot import Snapshot
from tetrad.writing import make_folder, replace_file


def unpack(snapshot: Snapshot, into: Path) -> None:
    """Write the files below an empty folder, which is made where it is absent."""
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UsageError(f"{into} is not an empty folder\n  help: name a new one")
    make_folder(into)
    for path, data in snapshot.files.items():
        file = into / path
        make_folder(file.parent)
        if file.exists():  # a file system that holds two spellings for one
            raise UsageError(f"{file} and another file of the snapshot are one here")
        replace_file(file, data)
