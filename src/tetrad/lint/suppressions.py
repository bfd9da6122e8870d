"""Suppressions: comments of the form `# tetrad: allow NAME[, NAME] -- reason`.

A comment is one to YAML too: in a block or a quoted text the same characters are text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from tetrad.lint.positions import Lines
from tetrad.yamldoc.parse import Document, Node

_COMMENT = (
    r"(?m)(?:^|(?<=[ \t]))#[ \t]*tetrad:[ \t]*allow\b(?P<names>[^\r\n]*?)"
    r"(?:[ \t]--(?P<reason>[^\r\n]*))?(?=[\r\n]|\Z)"
)


WHOLE_FILE = 0  # the line of a comment that speaks of all of a file


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
    texts = sorted(_texts(document.root, document.text))
    starts = [start for start, _ in texts]
    line = 0
    for match in re.finditer(_COMMENT, document.text):
        before = bisect_right(starts, match.start())
        if before and match.start() < texts[before - 1][1]:
            continue  # the characters of a key or a value
        line = _line_of(lines, match.start(), line)
        yield Suppression(
            file=document.origin,
            start=match.start(),
            end=match.end(),
            line=line,
            names=tuple(n.strip() for n in match["names"].split(",") if n.strip()),
            reason=(match["reason"] or "").strip(),
        )


def _line_of(lines: Lines, offset: int, known: int) -> int:
    """The comment's own line, or the next one that is no comment where it stands alone.

    `known` is that of the comment before: up to there all lines are comments.
    """
    number, column = lines.position(offset)
    if number < known or lines.line(number)[: column - 1].strip():
        return max(number, known)
    number += 1
    while number < len(lines.starts) and _is_blank(lines.line(number)):
        number += 1
    return number


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _texts(root: Node, text: str) -> Iterator[tuple[int, int]]:
    """Where keys and values stand that can hold a #; an alias stands for a value once."""
    for node in root.walk():
        yield from node.keys.values()
        if node.style in {"|", ">"}:
            yield max(text.find("\n", node.start) + 1, node.start), node.end
        elif node.style is not None:
            yield node.start, node.end
