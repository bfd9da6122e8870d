"""Sections that hold nothing but data: from a heading or a rule to the next, or to the end.

A section counts where its outputs stand on lines of their own, behind a label at most, and nothing
but labels comes after the first: words of the prompt behind the data would be read as its going on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

MARK = "\ue000"
_BOUNDARY = re.compile(
    rf"""(?mx)^[ \t]*(?:
      \#{{1,6}}[ \t]+\S.*                                  # a heading
    | \#{{1,6}}[^\W\d].*
    | (?:\*\*|__)[^*_\n{MARK}]{{1,60}}(?:\*\*|__)[ \t]*:?  # a bold line
    | ([-=*_\#~+])\1{{2,}}[ \t]*[^\n{MARK}]{{0,60}}        # a rule, with a title in it or none
    | --
    | [^\W\d][^\n{MARK}]{{0,60}}\n[ \t]*(?:={{2,}}|-{{2,}})     # a line, underlined
    | [\[【][^\W\d][^\[\]【】\n{MARK}]{{0,60}}[\]】][ \t]*:?  # a title in brackets
    )[ \t]*$"""
)
_BULLETS = r"""[\s>*+•|"'`“„«「『(\[{,-]*(?:\d+[.)][ \t]*)?"""
_LABEL = r"(?:[*_]{0,2}[^\W_][^\n:：.!?]{0,40}[:：][*_]{0,2})"
_BEFORE = re.compile(rf"{_BULLETS}(?:{_LABEL}[\s\"'“(\[-]*|#?\w{{0,20}}[ \t]*[-–—=.)\]][ \t]*)?")
_ALONE = re.compile(rf"\s*(?:{_BULLETS}{_LABEL}?)?[^\w\n]*")
_TITLE_WORD = re.compile(r"[^\W_]+")
_WORD = re.compile(r"\w+")
_MOST_WORDS = 3
# Below these, a label may be an order: "Task" and then "Sum this up: {{ text }}".
_ORDERS = frozenset(
    (
        "task",
        "tasks",
        "instruction",
        "instructions",
        "goal",
        "objective",
        "steps",
        "rules",
        "prompt",
    )
)
_MOST_WORDS_AFTER = 2  # "{{ age }} years old"


def data_sections(text: str) -> Iterator[tuple[int, int]]:
    """The sections of a text whose outputs are all the text that they bring."""
    boundaries = list(_BOUNDARY.finditer(text))
    if not boundaries:
        return
    edges = [(0, 0), *(match.span() for match in boundaries), (len(text), len(text))]
    for (title, start), (end, _) in pairwise(edges):
        first = text.find(MARK, start, end)
        if first < 0:
            continue
        is_titled = start > 0 or boundaries[0].start() == 0
        line = text.rfind("\n", start, first) + 1 or start
        if not is_titled and text[start:line].strip():
            continue  # words before the first title are no data
        words = {word.casefold() for word in _TITLE_WORD.findall(text, title, start)}
        if "end" in words:
            continue  # it closes what is before it
        orders = words & _ORDERS
        if _is_data(text[line:end], 0 if orders else _MOST_WORDS):
            yield line, end


def _is_data(text: str, most: int) -> bool:
    return all(_is_data_line(line, most) for line in text.split("\n"))


def _is_data_line(line: str, most: int) -> bool:
    """An output with a label at most, or a label alone."""
    first = line.find(MARK)
    if first < 0:
        return _ALONE.fullmatch(line) is not None and _words(line) <= most
    before, between = line[:first], line[first:]
    if _BEFORE.fullmatch(before) is None or _words(before) > most:
        return False
    *within, last = between.split(MARK)
    return _words(last) <= _MOST_WORDS_AFTER and all(_words(p) <= _MOST_WORDS for p in within)


def _words(text: str) -> int:
    return len(_WORD.findall(text))
