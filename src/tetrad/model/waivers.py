"""Waivers: accepted findings and broken cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from tetrad.errors import Location


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """One accepted finding (`rule` and `file`) or broken case (`case` is `suite#id`)."""

    rule: str | None = None
    file: str | None = None
    case: str | None = None
    accept: Literal["broken"] | None = None
    reason: str
    owner: str
    until: date
    location: Location = field(compare=False)

    def is_expired(self, *, today: date) -> bool:
        return today > self.until
