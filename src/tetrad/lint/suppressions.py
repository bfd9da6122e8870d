"""Suppressions: comments of the form `# tetrad: allow NAME[, NAME] -- reason`.

A comment is one to YAML too: in a block or a quoted text the same characters are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tetrad.lint.positions import Lines
from tetrad.yamldoc.parse import Document, Node

_COMMENT = (
    r"(?m)(?:^|(?<=[ \t]))#[ \t]*tetrad:[ \t]*allow\b(?P<names>[^\r\n]*?)"
    r"(?:[ \t]--(?P<reason>[^\r\n]*))?(?=[\r\n]|\Z)"
)


class Suppression(NamedTuple):
    """One comment: where it stands, the line that it speaks of, and what it allows."""

    file: str
    start: int
    end: int
    line: int
    names: tuple[str, ...]
    reason: str


def suppressions_of(document: Document) -> Iterator[Suppression]:
    """The comments of a document that suppress."""
    if "tetrad:" not in document.text:
        return
    lines = Lines(document.text)
    for match in re.finditer(_COMMENT, document.text):
        if _is_text(document.root, document.text, match.start()):
            continue
        yield Suppression(
            file=document.origin,
            start=match.start(),
            end=match.end(),
            line=_line_of(lines, match.start()),
            names=tuple(n.strip() for n in match["names"].split(",") if n.strip()),
            reason=(match["reason"] or "").strip(),
        )


def _line_of(lines: Lines, offset: int) -> int:
    """The comment's own line, or the next one that is no comment where it stands alone."""
    number, column = lines.position(offset)
    if lines.line(number)[: column - 1].strip():
        return number
    number += 1
    while number < len(lines.starts) and _is_blank(lines.line(number)):
        number += 1
    return number


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _is_text(node: Node, text: str, offset: int) -> bool:
    """Whether the character belongs to a key's or a value's text."""
    for span in node.keys.values():
        if span.start <= offset < span.end:
            return True
    for child in node.children.values():
        if child.start <= offset < child.end:
            return _is_text(child, text, offset)
    if node.style in {"|", ">"}:
        return text.find("\n", node.start) < offset
    return node.style is not None and node.start <= offset
