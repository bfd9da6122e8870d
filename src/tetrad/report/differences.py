"""Word by word: what an answer lost and gained. Pure, and quick on long texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

# Comparing is quadratic at worst, so longer texts are shown without marks.
_MOST_WORDS = 2_000
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, and whether the other side lacks it."""

    text: str
    differs: bool


def word_diff(before: str, after: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both texts in pieces; joined, the pieces of a side are that side's text."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if before == after or max(len(old), len(new)) > _MOST_WORDS:
        return _whole(before), _whole(after)
    left: list[Piece] = []
    right: list[Piece] = []
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        differs = tag != "equal"
        left += [Piece("".join(old[i:j]), differs)] if j > i else []
        right += [Piece("".join(new[k:m]), differs)] if m > k else []
    return tuple(left), tuple(right)


def _whole(text: str) -> tuple[Piece, ...]:
    return (Piece(text, differs=False),) if text else ()
