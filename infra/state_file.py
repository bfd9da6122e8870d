"""The state of a stack in a folder, where a killed engine may leave the half of a file."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

_WRITES_S = 1.0  # within which an engine that still runs has written it


def mend(url: str, project: str, stack: str) -> None:
    """Put the state before in the place of one that ends midway: what the killed run applied beyond it is
    applied again, which changes nothing.
    """
    if not url.startswith("file://"):
        return  # others write all or nothing
    folder = Path(url.removeprefix("file://")).expanduser() / ".pulumi/stacks" / project
    state, before = folder / f"{stack}.json", folder / f"{stack}.json.bak"
    if not _is_torn(state):
        return
    time.sleep(_WRITES_S)
    if not _is_torn(state):
        return
    if before.is_file() and not _is_torn(before):
        shutil.copyfile(before, state)
    else:
        state.unlink()


def _is_torn(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return False
