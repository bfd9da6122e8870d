"""Findings for a terminal: the place, what is wrong, the line with a mark under it, and help."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache

from tetrad.errors import SHOWN_ALIKE
from tetrad.lint.finding import SEVERITIES, Finding, Severity
from tetrad.lint.output.rule_counts import most_frequent
from tetrad.lint.tree import LintTree
from tetrad.text import for_log, inert

_LINES = 10  # of further findings alike
_SCREEN = 10  # findings that need no summary by rule
_RULES = 8  # in the summary
_CASE = re.compile(r"\b(case|of) (?:'[^']*'|\"[^\"]*\")")
_MAX_LINE = 160  # characters of a source line that are shown
_LOOKED_AT = 10 * _MAX_LINE  # of a file that is one line, since escape sequences are not shown
_COLOURS: dict[Severity, str] = {"error": "31", "warning": "33", "info": "36"}


def render(
    findings: Sequence[Finding],
    tree: LintTree,
    *,
    colour: bool = False,
    folds: bool = True,
    width: int | None = None,
) -> str:
    """Findings by file, and a count; colour repeats what the words say. A source line is cut to
    `width`.

    Where it `folds`, three are shown of findings that differ by their place alone, or by the case
    that they name: a renamed variable can be missed by every case of a golden set.
    """
    paint = _Paint(on=colour)
    by_cause: defaultdict[tuple[str, ...], list[Finding]] = defaultdict(list)
    alike = [by_cause[_cause(finding)] for finding in findings]
    for finding, same in zip(findings, alike, strict=True):
        same.append(finding)
    blocks: list[str] = []
    for finding, same in zip(findings, alike, strict=True):
        if not folds or finding in same[:SHOWN_ALIKE]:
            blocks += _block(finding, tree, paint, width or sys.maxsize)
        if folds and len(same) > SHOWN_ALIKE and finding is same[SHOWN_ALIKE - 1]:
            blocks.append(_rest(same[SHOWN_ALIKE:]))
    return for_log("\n".join([*blocks, *_by_rule(findings), totals(findings, tree)])) + "\n"


def _cause(finding: Finding) -> tuple[str, ...]:
    message = _CASE.sub(r"\1", finding.message)
    fix = finding.fix.title if finding.fix else ""
    return finding.place.file, finding.code, finding.severity, message, finding.hint, fix


def _rest(findings: Sequence[Finding]) -> str:
    lines = [f"{finding.place.span.line}" for finding in findings]
    more = f" and {len(lines) - _LINES:,} more" if len(lines) > _LINES else ""
    at = f"line{'s' if len(lines) > 1 else ''} {', '.join(lines[:_LINES])}{more}"
    return f"  and {len(lines):,} more like this one, at {at}"


class _Paint:
    def __init__(self, *, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._on and text else text


def _block(finding: Finding, tree: LintTree, paint: _Paint, width: int) -> Iterator[str]:
    place, colour = finding.place, _COLOURS[finding.severity]
    where = f"{_named(place.file)}:{place.span.line}:{place.span.column}"
    what = paint(f"{finding.severity}[{finding.code}]", f"1;{colour}")
    yield f"{paint(where, '1')}: {what} {finding.name}: {_flat(finding.message)}"
    if not finding.hidden:
        yield from _source(finding, tree, paint, width)
    if finding.hint:
        yield f"  help: {_flat(finding.hint)}"
    if finding.fix is not None:
        option = "--fix" if finding.fix.safe else "--fix --unsafe-fixes"
        yield f"  fix: {_flat(finding.fix.title)} ({option})"


@lru_cache(maxsize=1000)
def _named(file: str) -> str:
    return inert(file).replace("\n", "⏎")


@lru_cache(maxsize=1000)  # many findings have a message or a hint in common
def _flat(text: str) -> str:
    return " ".join(inert(text).split())


def _source(finding: Finding, tree: LintTree, paint: _Paint, width: int) -> Iterator[str]:
    """The line, inert, with marks under the characters that the finding is about."""
    span = finding.place.span
    number = str(span.line)
    room = min(_MAX_LINE, width - len(f"  {number} | "))
    column = max(span.column - 1, 0)
    first = max(0, column - room // 2)
    line = tree.lines(finding.place.file).line(span.line, first, column + _LOOKED_AT)
    if not line.strip():
        return
    begin = column - first
    end = span.end_column - 1 - first if span.end_line == span.line else len(line)
    parts = [line[:begin], line[begin:end], line[max(begin, end) :]]
    before, marked, after = (inert(part).replace("\t", " ") for part in parts)
    shown = f"{before}{marked}{after}"[:room]
    marks = "^" * max(1, min(len(marked), room - len(before)))
    yield f"  {number} | {shown}"
    yield f"  {' ' * len(number)} | {' ' * len(before)}{paint(marks, _COLOURS[finding.severity])}"


def totals(findings: Sequence[Finding], tree: LintTree) -> str:
    """How much was found, and in how many files."""
    files = _count(len(tree.names) + tree.clean, "file")
    if not findings:
        return f"nothing found in {files}"
    counts = [
        _count(number, severity)
        for severity in SEVERITIES
        if (number := sum(finding.severity == severity for finding in findings))
    ]
    safe = sum(finding.fix is not None and finding.fix.safe for finding in findings)
    fixable = f"; `tetrad lint --fix` fixes {safe}" if safe else ""
    return f"{', '.join(counts)} in {files}{fixable}"


def _by_rule(findings: Sequence[Finding]) -> Iterator[str]:
    """How often each rule found something, where that is more than a screen shows at once."""
    counts = most_frequent(findings)
    if len(findings) <= _SCREEN or len(counts) == 1:
        return
    shown = ", ".join(f"{code} {number:,}" for code, number in counts[:_RULES])
    others = len(counts) - _RULES
    more = f" and {others:,} more rule{'s' if others > 1 else ''}" if others > 0 else ""
    yield f"by rule: {shown}{more}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 or what == 'info' else 's'}"
