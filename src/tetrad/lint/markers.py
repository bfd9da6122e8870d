"""Lines that say where data begins and ends: `[BEGIN MAIL]` and `[END MAIL]`, `===MAIL` and `===END MAIL`."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BEGIN = frozenset({"begin", "beginning", "begins", "start", "starts"})
_END = frozenset({"end", "ends", "finish"})
_NO_NAME = frozenset({"of", "the", "here"})
_WORD = re.compile(r"[^\W_]+")
_PART = re.compile(r"[^\n\ue000]+")  # a line, or what is left of one beside an output
_DECORATED = re.compile(r"\s*[-=#*<>\[\]{}|+~_/(]")
_SAID = re.compile(
    r"\s*(?:start|begin|beginning|end) of (?:the )?\w+(?: \w+)?\s*:?\s*", re.IGNORECASE
)
_LONGEST = 80


def marked_blocks(text: str) -> Iterator[tuple[int, int]]:
    """What is between a line that begins something and the one that ends it."""
    if not re.search(r"(?i)end|finish", text):
        return
    begun: dict[tuple[str, ...], int] = {}  # by name, the last one opened last
    titled: dict[tuple[str, ...], int] = {}
    for part in _PART.finditer(text):
        name, kind = _read(part[0])
        if kind == "begin":
            begun.pop(name, None)
            begun[name] = part.end()
        elif kind == "title":
            titled[name] = part.end()
        elif kind == "end":
            start = _opening(begun, titled, name)
            if start is not None:
                yield start, part.start()


def _read(line: str) -> tuple[tuple[str, ...], str]:
    """The name in a marker, and what it does: "begin", "end", "title", or "" for no marker."""
    if len(line) > _LONGEST:
        return (), ""
    decorated = _DECORATED.match(line) is not None
    if not (decorated or line.isupper() or _SAID.fullmatch(line)):
        return (), ""
    words = [word.casefold() for word in _WORD.findall(line)]
    if not words or len(words) > 8:
        return (), ""
    ends = {words[0], words[-1]}
    name = tuple(w for w in words if w not in _BEGIN and w not in _END and w not in _NO_NAME)
    if ends & _END:
        return name, "end"
    return name, "begin" if ends & _BEGIN else "title"


def _opening(
    begun: dict[tuple[str, ...], int], titled: dict[tuple[str, ...], int], name: tuple[str, ...]
) -> int | None:
    """Where that begins which a marker ends; one that names nothing ends the last one."""
    if name in begun:
        return begun.pop(name)
    if name in titled:
        return titled.pop(name)
    if not name:
        return begun.popitem()[1] if begun else None
    return begun.pop((), None)
