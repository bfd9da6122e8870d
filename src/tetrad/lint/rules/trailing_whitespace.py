"""Allow trailing-whitespace: spaces at the ends of lines, or no newline at the end of a file.

## What it does
Reports lines of YAML files that end in spaces or tabs, outside of prompt text, and files without a
newline at the end; one finding per file.

## Why is this bad?
Editors and formatters remove them, and the diff then shows lines that nobody meant to change.

## Example
```text
kind: prompt··
```

## Use instead
```text
kind: prompt
```
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from tetrad.lint.finding import Edit, Finding, Fix, Place
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.yamldoc.document import Node

_SPACES = re.compile(r"[ \t]+(?=\r?$)", re.MULTILINE)
_BEFORE_BREAKS = (" \n", "\t\n", " \r", "\t\r")


def check(tree: LintTree) -> Iterator[Finding]:
    asked = frozenset(tree.names)
    for file, document in tree.documents.items():
        text = document.text
        if file not in asked or not file.endswith((".yaml", ".yml")) or not text.strip():
            continue
        ends = text.endswith("\n")
        if ends and not any(spaces in text for spaces in _BEFORE_BREAKS):
            continue
        quoted = (node for node in document.root.walk() if node.style is not None)
        texts = sorted(quoted, key=lambda node: node.start)
        edits = [
            Edit(file=file, start=found.start(), end=found.end(), text="")
            for found in _outside(_SPACES.finditer(text), texts)
        ]
        if edits:
            count = len(edits)
            what = f"{count} lines end" if count > 1 else "this line ends"
            place = Place(file, tree.lines(file).span(edits[0].start, edits[0].end))
            fix = Fix(title="remove the spaces", edits=tuple(edits), safe=True)
            yield RULE.at(place, f"{what} in spaces", fix=fix)
        if not ends and not _is_text(texts, len(text)):
            edit = Edit(file=file, start=len(text), end=len(text), text="\n")
            place = Place(file, tree.lines(file).span(len(text), len(text)))
            fix = Fix(title="add it", edits=(edit,), safe=True)
            yield RULE.at(place, "no newline at the end of the file", fix=fix)


def _outside(found: Iterator[re.Match[str]], texts: Sequence[Node]) -> Iterator[re.Match[str]]:
    return (match for match in found if not _is_text(texts, match.start()))


def _is_text(texts: Sequence[Node], offset: int) -> bool:
    """Whether an offset lies in one of the scalars, which are in the order of the file."""
    before = bisect_right(texts, offset, key=lambda node: node.start)
    return before > 0 and offset <= texts[before - 1].end


RULE = Rule(
    code="STY991",
    name="trailing-whitespace",
    summary="spaces at the ends of lines, or no newline at the end of a file",
    severity="info",
    fixable="safe",
    check=check,
)
