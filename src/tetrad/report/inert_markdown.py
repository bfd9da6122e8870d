"""Strangers' words in Markdown, where neither it nor GitHub makes anything of them.

They stand in code spans and fenced blocks; sentences pass as prose where they are made of nothing but
words and a few signs that mean nothing to either.
"""

from __future__ import annotations

import re

from tetrad.text import capped, for_log, inert, one_line

# Words, numbers and signs that are no Markdown inside a line; no underscores, no address, no
# reference, no :emoji:, nothing that could be taken for a commit.
_PLAIN = re.compile(r"(?:[^\W_]|[ .,;()'’%−–+=≥≤/:\"-])*", re.UNICODE)
_TAKEN_UP = re.compile(r"://|www\.|:\w+:|\bGH-\d|\b[0-9a-f]{7,40}\b", re.IGNORECASE)


def fenced(text: str, limit: int, *, language: str = "text") -> str:
    """A block whose fence is longer than any run of backticks in it."""
    shown = capped(text, limit)
    fence = "`" * max(3, _longest_run(shown) + 1)
    return f"{fence}{language}\n{for_log(shown)}\n{fence}"


def code(text: str) -> str:
    """A code span that nothing inside can end, nor part a table's cells."""
    line = for_log(one_line(text)).replace("|", "¦")
    if not line:
        return "`(nothing)`"
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def prose(text: str) -> str:
    """A sentence as it is if nothing in it is active, else in a code span."""
    line = one_line(text)
    is_plain = _PLAIN.fullmatch(line) and not _TAKEN_UP.search(line)
    return line if is_plain else code(line)


def entities(text: str) -> str:
    """Text for inside our own HTML tags, where Markdown does not reach: every sign as an entity."""
    return "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in one_line(text))


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", inert(text))), default=0)
