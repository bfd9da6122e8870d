"""Findings as workflow commands, which GitHub shows beside the lines of a pull request.

About ten of each level are shown a step, so the most severe stand first; the whole list belongs in
the step's summary.
"""

from __future__ import annotations

from collections.abc import Sequence

from tetrad.lint.finding import SEVERITIES, Finding
from tetrad.lint.tree import LintTree
from tetrad.text import inert

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def render(findings: Sequence[Finding], tree: LintTree) -> str:
    ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    return "".join(f"{_command(finding, tree.below)}\n" for finding in ordered)


def _command(finding: Finding, below: str) -> str:
    span = finding.place.span
    properties = {
        "file": f"{below}{finding.place.file}",
        "line": str(span.line),
        "endLine": str(span.end_line),
        "title": f"{finding.code} {finding.name}",
    }
    if span.line == span.end_line:  # columns are taken for one line only
        properties |= {"col": str(span.column), "endColumn": str(span.end_column)}
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = f"{finding.message}\nhelp: {finding.hint}" if finding.hint else finding.message
    return f"::{_LEVELS[finding.severity]} {written}::{_data(text)}"


def _data(text: str) -> str:
    """Hostile text can end neither the message nor the line."""
    return inert(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
