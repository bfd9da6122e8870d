"""From keys to a value: what is not written keeps the default of the value's class, its only home."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def picked(raw: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """The keys that are there, as arguments."""
    return {key: raw[key] for key in keys if key in raw}
