"""Findings as the list that formats.md describes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tetrad.canonical import Json
from tetrad.lint.finding import Edit, Finding, Fix
from tetrad.lint.tree import LintTree
from tetrad.text import json_escaped


def render(findings: Sequence[Finding], tree: LintTree) -> str:
    values = [_finding(finding, tree) for finding in findings]
    return json_escaped(json.dumps(values, ensure_ascii=True, indent=2)) + "\n"


def _finding(finding: Finding, tree: LintTree) -> Mapping[str, Json]:
    span = finding.place.span
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity,
        "message": finding.message,
        "file": finding.place.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "fix": None if finding.fix is None else _fix(finding.fix, tree),
    }


def _fix(fix: Fix, tree: LintTree) -> Mapping[str, Json]:
    return {
        "title": fix.title,
        "safe": fix.safe,
        "edits": [_edit(edit, tree) for edit in fix.edits],
    }


def _edit(edit: Edit, tree: LintTree) -> Mapping[str, Json]:
    span = tree.lines(edit.file).span(edit.start, edit.end)
    return {
        "file": edit.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "text": edit.text,
    }
