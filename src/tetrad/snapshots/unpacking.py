"""A snapshot's files in a folder, which then is a repository of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

from tetrad.errors import UsageError
from tetrad.places import refuse_links
from tetrad.snapshots.snapshot import Snapshot
from tetrad.writing import make_folder


def unpack(snapshot: Snapshot, into: Path) -> None:
    """Write the files, all of them or none, into a folder that is empty or absent."""
    refuse_links(into)
    if os.path.lexists(into) and (not into.is_dir() or any(into.iterdir())):
        raise UsageError(f"{into} is not an empty folder\n  help: name a new one")
    try:
        make_folder(into.parent)
        beside = Path(mkdtemp(dir=into.parent, prefix=".tetrad-"))
        try:
            _write(snapshot, beside / "made")
            (beside / "made").rename(into)
        finally:
            shutil.rmtree(beside)
    except OSError as error:
        raise UsageError(f"{into} cannot be written: {error.strerror}") from error


def _write(snapshot: Snapshot, folder: Path) -> None:
    folder.mkdir()
    for path, data in snapshot.files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            raise UsageError(f"{path} and another file of the snapshot are one file here")
        file.write_bytes(data)
