"""Environments that identities serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tetrad.canonical import Json
from tetrad.errors import Location


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """Loaded and checked; deploy gives its parts types of their own."""

    ref: str
    location: Location = field(compare=False)
    target: Literal["kubernetes", "local"] = "local"
    document: Mapping[str, Json]
