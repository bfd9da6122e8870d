"""Findings as text for people and for machines; every renderer is a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from tetrad.lint.finding import Finding
from tetrad.lint.tree import LintTree

# Each format has a module, which is imported where it is asked for.
FORMATS = ("text", "json", "sarif", "github")


def render(form: str, findings: Sequence[Finding], tree: LintTree) -> str:
    """The findings in one of the formats."""
    rendered: str = import_module(f"tetrad.lint.output.findings_{form}").render(findings, tree)
    return rendered
