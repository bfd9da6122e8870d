"""A rule and what it finds: the values that the engine, the rules and the renderers share.

Small values of this stage are named tuples: making a dataclass takes Python a millisecond, and a
lint of one file is to take a blink.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from tetrad.lint.tree import Tree

Severity: TypeAlias = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")  # most severe first

Scope: TypeAlias = Literal["file", "stack", "repository"]


class Span(NamedTuple):
    """A stretch of a file's text; lines and columns count from 1, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Place(NamedTuple):
    """Where a finding lies: a span of a file.

    `key_line` is the line of the key whose value it is, where that is another line: a suppression
    may stand there.
    """

    file: str
    span: Span
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
    def order(self) -> tuple[str, Span, str, str]:
        return (self.place.file, self.place.span, self.code, self.message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule: what it is called, how much it weighs, and the pure function that finds.

    A sealed rule is suppressed by a line in waivers.yaml only. `scope` says what a finding depends
    on: its file, the closure of a stack, or the whole repository. The module of `check` explains
    the rule in its docstring: what it does, why it is bad, an example, what to use instead.
    """

    code: str
    name: str
    summary: str
    severity: Severity = "error"
    sealed: bool = False
    fixable: Literal["", "safe", "unsafe"] = ""
    scope: Scope = "file"
    replaces: tuple[str, ...] = ()  # codes whose finding at the same place says the same worse
    check: Callable[[Tree], Iterator[Finding]]

    @property
    def explanation(self) -> str:
        return sys.modules[self.check.__module__].__doc__ or ""

    def at(
        self,
        place: Place,
        message: str,
        *,
        hint: str = "",
        fix: Fix | None = None,
        severity: Severity | None = None,
        sealed: bool | None = None,
        hidden: bool = False,
    ) -> Finding:
        return Finding(
            code=self.code,
            name=self.name,
            severity=severity or self.severity,
            sealed=self.sealed if sealed is None else sealed,
            message=message,
            hint=hint,
            place=place,
            fix=fix,
            hidden=hidden,
        )
