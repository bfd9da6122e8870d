"""Where the registry is: a SQLite file, or a PostgreSQL server that a team shares."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tetrad.database import ENVIRONMENT, named_file
from tetrad.errors import UsageError

_SCHEMES = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    url: str = field(repr=False)  # may hold a password


Place: TypeAlias = Path | PostgresAddress


def registry_place(root: Path) -> Place:
    """What `TETRAD_REGISTRY` names, or `.tetrad/registry.db` under the repository's root."""
    file = named_file()
    if file is not None:
        return file
    named = os.environ.get(ENVIRONMENT)
    if not named:
        return root / ".tetrad" / "registry.db"
    if named.startswith(_SCHEMES):
        return PostgresAddress(named)
    scheme = named.partition("://")[0]
    raise UsageError(
        f"{ENVIRONMENT}: unknown scheme {scheme!r}\n  help: name a file, or postgresql://…"
    )
