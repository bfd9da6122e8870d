"""A rule: what it is called, how much it weighs, and the function that finds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from tetrad.lint.finding import Finding, Fix, Place, Severity

if TYPE_CHECKING:
    from tetrad.lint.tree import LintTree

Scope: TypeAlias = Literal["file", "stack", "repository"]


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
    check: Callable[[LintTree], Iterator[Finding]]

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
