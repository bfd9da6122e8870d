"""What a rule found: where, what, and how it can be fixed.

Small values of this stage are named tuples: making a dataclass takes Python a millisecond, and a
lint of one file is to take a blink.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from tetrad.lint.positions import Range

Severity: TypeAlias = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")  # most severe first


class Place(NamedTuple):
    """Where a finding lies: a span of a file.

    `key_line` is the line of the key whose value it is, where that is another line: a suppression
    may stand there.
    """

    file: str
    span: Range
    key_line: int | None = None


class Edit(NamedTuple):
    """Replace the characters `start` to `end` of a file's text; a file that is not there is empty."""

    file: str
    start: int
    end: int
    text: str


class Fix(NamedTuple):
    """Edits that end a finding; a safe one never changes what the files mean."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that a rule found. `hidden` keeps its source line out of every output."""

    code: str
    name: str
    severity: Severity
    sealed: bool
    message: str
    hint: str = ""
    place: Place
    fix: Fix | None = None
    hidden: bool = False

    @property
    def order(self) -> tuple[str, Range, str, str]:
        return (self.place.file, self.place.span, self.code, self.message)
