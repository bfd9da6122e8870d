"""Offsets of a text as lines and columns, and back."""

from __future__ import annotations

import re
from bisect import bisect_right

from tetrad.lint.rule import Span

_BREAK = re.compile(r"\r\n|\r|\n")
_TOKEN = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|[^\s,\]}]+")


class Lines:
    """Where the lines of a text begin."""

    __slots__ = ("starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(match.end() for match in _BREAK.finditer(text))]

    def position(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        return Span(*self.position(start), *self.position(max(start, end)))

    def offset(self, line: int, column: int) -> int:
        """The offset of a position; the text's end where it lies behind it."""
        if line > len(self.starts):
            return len(self.text)
        return min(self.starts[line - 1] + column - 1, len(self.text))

    def line(self, number: int) -> str:
        """A line without its break; empty where there is none."""
        if not 1 <= number <= len(self.starts):
            return ""
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[self.starts[number - 1] : end].rstrip("\r\n")

    def token(self, line: int, column: int) -> Span:
        """The word or quoted text that begins at a position, or the one character there."""
        start = self.offset(line, column)
        match = _TOKEN.match(self.text, start)
        return self.span(start, match.end() if match else min(start + 1, len(self.text)))
