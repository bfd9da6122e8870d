"""Where the characters of a text value stand in its file, however the value is written.

YAML folds lines, takes indents away and reads escapes, but keeps all that is no blank in its order:
so the first such character of a value is the first one in the file, the second the second.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tetrad.yamldoc.document import Node

PlaceWithin: TypeAlias = "Callable[[int], int]"  # from an offset in the value to one in the file

# In double quotes: an escape, or a character; the first of an escape's letters says how it goes on.
_ESCAPED = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r\n|.)|[^\\]", re.DOTALL
)
_SOLID = re.compile(r"\S")
_SOLID_OR_QUOTE = re.compile(r"''?|\S")  # in single quotes, one is written twice
_BLANK_ESCAPES = frozenset("tnvfr \t\n\r_NLP")  # what they stand for is blank


def place_within(text: str, node: Node) -> PlaceWithin:
    """How to find a character of a value in the text of its file."""
    inner = node.start + (1 if node.style in {'"', "'"} else 0)
    if node.style not in {"|", ">"} and text.startswith(node.value, inner):
        return lambda offset: inner + offset
    if node.style == "|" and (places_of_lines := _lines_of_literal(text, node)) is not None:
        return _within_lines(node.value, places_of_lines)
    solid = [match.start() for match in _SOLID.finditer(node.value)]
    places = list(_solid_places(text, node))
    if node.style in {"|", ">"}:
        del places[len(solid) :]  # comments behind it
    if not places or len(places) != len(solid):
        return lambda _offset: node.start

    def found(offset: int) -> int:
        before = max(bisect_right(solid, offset) - 1, 0)
        beyond = offset - solid[before]
        if beyond > 0 and "\n" in node.value[solid[before] : offset]:
            return places[before] + 1
        return places[before] + max(beyond, 0)

    return found


def _lines_of_literal(text: str, node: Node) -> list[tuple[int, int]] | None:
    """Of a literal block, where each line begins in the value and in the file; None of one whose lines
    do not all stand behind the same indent.
    """
    begin = _line_end(text, node.start, node.end)
    lines = node.value.split("\n")
    first = next((number for number, line in enumerate(lines) if line), None)
    written = text[begin : node.end].split("\n")
    if first is None or len(written) < len(lines) - 1:
        return None
    indent = len(written[first]) - len(lines[first])
    places = []
    start = 0
    for line, at_line in zip(lines, written, strict=False):
        if line and at_line[indent:] != line:
            return None
        places.append((start, begin + min(indent, len(at_line))))
        start += len(line) + 1
        begin += len(at_line) + 1
    return places


def _within_lines(value: str, places: list[tuple[int, int]]) -> PlaceWithin:
    """As by the characters: what stands in a blank is behind the character before it."""

    def found(offset: int) -> int:
        at = offset
        if value[offset : offset + 1].strip() == "":
            at = max(len(value[:offset].rstrip()) - 1, 0)
        start, place = places[bisect_right(places, at, key=_first) - 1]
        beyond = 1 if "\n" in value[at:offset] else offset - at
        return place + at - start + beyond

    return found


def _first(pair: tuple[int, int]) -> int:
    return pair[0]


def _solid_places(text: str, node: Node) -> Iterator[int]:
    """Where the characters that are no blanks begin in the file."""
    if node.style == '"':
        yield from _in_double_quotes(text, node)
        return
    start, end = node.start, node.end
    if node.style == "'":
        start, end = start + 1, end - 1
    elif node.style in {"|", ">"}:
        start = _line_end(text, start, end)  # behind the indicators, and a comment
    solid = _SOLID_OR_QUOTE if node.style == "'" else _SOLID
    for match in solid.finditer(text, start, end):
        yield match.start()


def _in_double_quotes(text: str, node: Node) -> Iterator[int]:
    for match in _ESCAPED.finditer(text, node.start + 1, node.end - 1):
        written = match[0]
        if written[0] != "\\":
            if not written.isspace():
                yield match.start()
        elif written[1] in "xuU":
            digits = written[2:]
            if not chr(int(digits, 16)).isspace():
                yield match.start()
        elif written[1] not in _BLANK_ESCAPES:
            yield match.start()


def _line_end(text: str, start: int, end: int) -> int:
    found = text.find("\n", start, end)
    return end if found < 0 else found + 1
