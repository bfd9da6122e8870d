"""One execution for all workers of a pytest-xdist session.

Every worker holds the whole selection. The first to come executes it and keeps the outcomes in a
file of the session's; the others wait for it and read them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from tetrad.database import make_kept_folder
from tetrad.pytest_plugin.outcomes import Outcomes, dump_outcomes, load_outcomes

# No worker is the last one for sure, so files stay; a later session removes those of this age.
KEPT_S = 24 * 3600


def once_a_session(folder: Path, session: str, execute: Callable[[], Outcomes]) -> Outcomes:
    """The outcomes that a worker of the session kept in the folder, or else those of `execute`."""
    make_kept_folder(folder.parent)
    make_kept_folder(folder)
    file = folder / f"{session}.json"
    # The lock ends with the process that holds it: where a worker dies, the next one executes.
    with FileLock(file.with_suffix(".lock")):
        if file.exists():
            return load_outcomes(file.read_text(encoding="utf-8"))
        _remove_old(folder)
        outcomes = execute()
        part = file.with_suffix(".part")
        part.write_text(dump_outcomes(outcomes), encoding="utf-8")
        part.replace(file)
        return outcomes


def _remove_old(folder: Path) -> None:
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another session removes it too
            if time.time() - path.stat().st_mtime > KEPT_S:
                path.unlink()
