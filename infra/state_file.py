"""The state of a stack in a folder, where a killed engine may leave the half of a file."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

_WRITES_S = 1.0  # within which an engine that still runs has written it


def mend(url: str, project: str, stack: str) -> None:
    """Put the state before in the place of one that ends midway: what the killed run applied beyond it is
    applied again, which changes nothing. Notes beside it and its locks that end midway go.
    """
    if not url.startswith("file://"):
        return  # others write all or nothing
    root = Path(url.removeprefix("file://")).expanduser() / ".pulumi"
    state = root / "stacks" / project / f"{stack}.json"
    if not _torn(root, state):
        return
    time.sleep(_WRITES_S)
    for file in _torn(root, state):
        before = file.with_name(f"{file.name}.bak")
        if file == state and before.is_file() and not _is_torn(before):
            shutil.copyfile(before, state)
        else:
            file.unlink(missing_ok=True)


def _torn(root: Path, state: Path) -> list[Path]:
    """The state, and what is noted beside it and its locks of their kind, which nobody needs."""
    notes = [*state.parent.glob("*.attrs"), *(root / "locks").rglob("*.attrs")]
    return [file for file in (state, *notes) if _is_torn(file)]


def _is_torn(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return False
