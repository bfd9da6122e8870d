"""How often each rule found something, most frequent first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tetrad.lint.finding import Finding

_MARKS = {"": "[ ]", "unsafe": "[-]", "safe": "[*]"}


class _Row(NamedTuple):
    number: int
    code: str
    name: str
    fix: str  # the safest that one of the findings offers


def render_text(findings: Sequence[Finding]) -> str:
    """A line a rule: how often, its code, whether it can be fixed, its name."""
    rows = _rows(findings)
    width = max((len(f"{row.number:,}") for row in rows), default=0)
    lines = [f"{row.number:>{width},}  {row.code}  {_MARKS[row.fix]} {row.name}\n" for row in rows]
    marks = {row.fix for row in rows}
    if "safe" in marks:
        lines.append("[*] fixable with `tetrad lint --fix`\n")
    if "unsafe" in marks:
        lines.append("[-] fixable with `tetrad lint --fix --unsafe-fixes`\n")
    return "".join(lines)


def render_json(findings: Sequence[Finding]) -> str:
    values = [
        {"code": row.code, "name": row.name, "count": row.number, "fix": row.fix or None}
        for row in _rows(findings)
    ]
    return json.dumps(values, indent=2) + "\n"


def most_frequent(findings: Sequence[Finding]) -> list[tuple[str, int]]:
    """The codes of what was found, most frequent first, each with how often it was."""
    counts = Counter(finding.code for finding in findings)
    return sorted(counts.items(), key=lambda count: (-count[1], count[0]))


def _rows(findings: Sequence[Finding]) -> list[_Row]:
    names = {finding.code: finding.name for finding in findings}
    return [
        _Row(count, code, names[code], _fix(findings, code))
        for code, count in most_frequent(findings)
    ]


def _fix(findings: Sequence[Finding], code: str) -> str:
    fixes = [finding.fix for finding in findings if finding.code == code and finding.fix]
    if any(fix.safe for fix in fixes):
        return "safe"
    return "unsafe" if fixes else ""
