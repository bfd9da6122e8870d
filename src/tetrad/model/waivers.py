"""Waivers: accepted findings and broken cases, and what a change accepts of the base's yardstick."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """What may fail by the base's yardstick, in the change that brings this line and in no other.

    One of `case`, `tag`, `metric` and `requirement` says what of the base's suite no longer counts.
    """

    suite: str
    case: str | None = None
    tag: str | None = None
    metric: str | None = None
    requirement: str | None = None
    reason: str
    owner: str
    location: Location = field(compare=False)

    @property
    def what(self) -> str:
        """What no longer counts: `case irony`, `tag refunds`, `requirement max_flips`."""
        named = (
            ("case", self.case),
            ("tag", self.tag),
            ("metric", self.metric),
            ("requirement", self.requirement),
        )
        return next(f"{kind} {name}" for kind, name in named if name is not None)
