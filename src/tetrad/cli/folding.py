"""Lines of text that break where the reader's lines end."""

from __future__ import annotations

import os
import re
import sys
from unicodedata import east_asian_width

_NARROWEST = 40  # columns that a line may take however few there are
_COLOUR = re.compile("\x1b\\[[0-9;]*m")
_GAP = re.compile(r"(?<=\S) +(?=\S)")


def columns() -> int | None:
    """How wide the reader's lines are: what COLUMNS says, or the terminal; None if neither does."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        width = int(said)
    else:
        try:
            width = os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError):  # no terminal, or no file at all
            return None
    return max(width, _NARROWEST) if width else None


def folded(text: str) -> str:
    """The text, with its lines broken at spaces where they are wider than the reader's."""
    width = columns()
    if width is None:
        return text
    return "\n".join(_folded(line, width) for line in text.split("\n"))


def _folded(line: str, width: int) -> str:
    indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    done: list[str] = []
    while _cells(line) > width and (gap := _gap(line, width)) is not None:
        done.append(line[: gap.start()])
        line = f"{indent}{line[gap.end() :]}"
    return "\n".join([*done, line])


def _gap(line: str, width: int) -> re.Match[str] | None:
    """The last gap between words before which a line fits, else the first; None without any."""
    chosen = None
    for gap in _GAP.finditer(line):
        if chosen is not None and _cells(line[: gap.start()]) > width:
            break
        chosen = gap
    return chosen


def _cells(text: str) -> int:
    """The columns that a text takes, without the sequences that colour it."""
    plain = _COLOUR.sub("", text)
    if plain.isascii():
        return len(plain)
    return sum(1 + (east_asian_width(character) in "WF") for character in plain)
