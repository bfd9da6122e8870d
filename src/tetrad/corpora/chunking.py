"""Documents cut into chunks: windows of tokens that overlap, each an exact slice of the text.

Together the chunks hold every character of the document but white space between them. A window
ends early where its last quarter offers a better place: after a paragraph, else a line, else a
sentence. The next one begins `overlap` tokens before that end.

Any change of this changes answers: raise `tetrad.identity.RUNTIME`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from tetrad.model import Chunking

Span: TypeAlias = tuple[int, int]  # start and end, in characters

_BREAKS = ("\n\n", "\n", ". ", "? ", "! ")


def spans_of(text: str, tokens: Sequence[Span], chunking: Chunking) -> tuple[Span, ...]:
    """Where the chunks of a text begin and end, given the offsets of its tokens."""
    windows = _windows(text, tokens, chunking) if tokens else [(0, len(text))]
    return tuple(span for window in windows if (span := _stripped(text, window)))


def _windows(text: str, tokens: Sequence[Span], chunking: Chunking) -> Iterator[Span]:
    # What lies between two tokens belongs to the first, what precedes them all to the first window.
    starts = [0, *(start for start, _ in tokens[1:]), len(text)]
    first = 0
    while True:
        last = min(first + chunking.size, len(tokens))
        if last == len(tokens):
            yield starts[first], len(text)
            return
        last = _good_end(text, starts, first, last, chunking)
        yield starts[first], starts[last]
        first = last - chunking.overlap


def _good_end(text: str, starts: Sequence[int], first: int, last: int, chunking: Chunking) -> int:
    """The best token in the window's last quarter to end before; `last` where all are alike."""
    # A window is longer than its overlap, else the next one would not get further.
    earliest = max(last - chunking.size // 4, first + chunking.overlap + 1)
    for mark in _BREAKS:
        for end in range(last, earliest - 1, -1):
            if mark in text[starts[end - 1] : starts[end]]:
                return end
    return last


def _stripped(text: str, window: Span) -> Span | None:
    """A window without the white space around it; None where nothing is left."""
    start, end = window
    inner = text[start:end]
    left = len(inner) - len(inner.lstrip())
    right = len(inner.rstrip())
    return (start + left, start + right) if right > left else None
