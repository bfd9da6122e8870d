"""The registry where there is one: an empty one that was just made would say that nothing happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.errors import UsageError

if TYPE_CHECKING:
    from tetrad.registry import Place


def existing_registry(root: Path) -> Place:
    """Where the registry is; UsageError where there is none, or where a commit brought it."""
    from tetrad import git
    from tetrad.database import ENVIRONMENT, files_of
    from tetrad.registry import registry_place

    place = registry_place(root)
    if isinstance(place, Path):
        git.refuse_committed(root, root / ".tetrad", *files_of(place))
        if not place.exists():
            raise UsageError(
                f"{place}: no registry\n"
                f"  help: `tetrad gate` creates it; {ENVIRONMENT} names another"
            )
    return place
