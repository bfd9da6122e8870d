"""Offsets of a text as lines and columns, and back, and the keys around them."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from typing import NamedTuple

from tetrad.yamldoc.document import Node, line_starts

_TOKEN = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|[^\s,\]}]+")


class Range(NamedTuple):
    """A stretch of a file's text; lines and columns count from 1, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Lines:
    """Where the lines of a text begin."""

    __slots__ = ("starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = line_starts(text)

    def position(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def span(self, start: int, end: int) -> Range:
        return Range(*self.position(start), *self.position(max(start, end)))

    def offset(self, line: int, column: int) -> int:
        """The offset of a position; the text's end where it lies behind it."""
        if line > len(self.starts):
            return len(self.text)
        return min(self.starts[line - 1] + column - 1, len(self.text))

    def line(self, number: int, first: int = 0, last: int = sys.maxsize) -> str:
        """A line without its break, or some of its characters; empty where there is none."""
        if not 1 <= number <= len(self.starts):
            return ""
        start = self.starts[number - 1]
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[start + first : min(end, start + last)].rstrip("\r\n")

    def token(self, line: int, column: int) -> Range:
        """The word or quoted text that begins at a position, or the one character there."""
        start = self.offset(line, column)
        match = _TOKEN.match(self.text, start)
        return self.span(start, match.end() if match else min(start + 1, len(self.text)))


class Keys:
    """Where the keys and list items of a document begin."""

    __slots__ = ("_children", "_root")

    def __init__(self, root: Node) -> None:
        self._root = root
        self._children: dict[int, tuple[list[int], list[Node]]] = {}  # by the parent's id

    def around(self, offset: int) -> int:
        """The beginning of the innermost key, or list item, whose value holds a character."""
        inner, node = self._root.start, self._root
        while (child := self._child(node, offset)) is not None:
            inner, node = child
        return inner

    def _child(self, node: Node, offset: int) -> tuple[int, Node] | None:
        begins, children = self._sorted(node)
        after = bisect_right(begins, offset)
        for number in range(max(0, after - 2), after):  # neighbours may touch: the first counts
            if children[number].end >= offset:
                return begins[number], children[number]
        return None

    def _sorted(self, node: Node) -> tuple[list[int], list[Node]]:
        known = self._children.get(id(node))
        if known is None:
            known = self._children[id(node)] = _in_order(node)
        return known


def _in_order(node: Node) -> tuple[list[int], list[Node]]:
    """The children with where they begin; one that an alias brings stands elsewhere, in another."""
    begun = [
        (
            node.keys[step].start if isinstance(step, str) and step in node.keys else child.start,
            child,
        )
        for step, child in node.children.items()
    ]
    begun.sort(key=lambda one: one[0])
    begins: list[int] = []
    children: list[Node] = []
    for begin, child in begun:
        if not children or begin >= children[-1].end:
            begins.append(begin)
            children.append(child)
    return begins, children
