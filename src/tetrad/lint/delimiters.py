"""Where a text lies in a block that is marked as data; many places of one text are asked at once."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cache

_TAG = r"<(?P<close>/?)(?P<name>[A-Za-z][\w:.-]*)(?:\s[^<>]*)?(?<!/)>"
_PAIRED = ("```", "~~~", '"""', "'''")
_RULE = r"[ \t]*(?P<rule>([-=#*_])\2{2,})[ \t]*"
_BEGIN = r"(?m)^[^\w\n]*(?:BEGIN|START)\b"
_END = r"(?m)^[^\w\n]*END\b"


def are_delimited(text: str, places: Sequence[int]) -> Iterator[bool]:
    """Of each place, in order, whether it lies in such a block; nothing is said of what is at it."""
    if not places:
        return
    tags, rules, words = _Tags(text), _Rules(text, places), _Words(text)
    paired = [_Paired(text, mark) for mark in _PAIRED]
    angles = _Angles(text)
    for number, place in enumerate(places):
        in_tags, between_rules = tags.hold(place), rules.hold(number)
        yield (
            in_tags
            or any(mark.holds(place) for mark in paired)
            or between_rules
            or angles.hold(place)
            or words.hold(place)
        )


class _Tags:
    """`<name>` … `</name>`; asked in order."""

    def __init__(self, text: str) -> None:
        self._tags = list(_compiled(_TAG).finditer(text))
        self._next = 0
        self._last = {m[2]: m.start() for m in _compiled(r"(</([A-Za-z][\w:.-]*)>)").finditer(text)}
        self._open: list[str] = []
        self._ends: list[int] = []  # of those that are open, up to each, the last closing tag
        self._places: dict[str, list[int]] = {}  # in `_open`, by name

    def hold(self, place: int) -> bool:
        while self._next < len(self._tags) and self._tags[self._next].end() <= place:
            tag = self._tags[self._next]
            self._next += 1
            if tag["close"]:
                self._close(tag["name"])
            else:
                self._places.setdefault(tag["name"], []).append(len(self._open))
                self._open.append(tag["name"])
                end = self._last.get(tag["name"], -1)
                self._ends.append(max(end, self._ends[-1]) if self._ends else end)
        return bool(self._ends) and self._ends[-1] >= place

    def _close(self, name: str) -> None:
        if not self._places.get(name):
            return
        first = self._places[name][-1]
        for other in self._open[first:]:
            self._places[other].pop()
        del self._open[first:], self._ends[first:]


class _Paired:
    """A mark that opens and closes: an odd number before, and one after."""

    def __init__(self, text: str, mark: str) -> None:
        self._ends = [match.end() for match in re.finditer(re.escape(mark), text)]
        self._last = text.rfind(mark)

    def holds(self, place: int) -> bool:
        return bisect_right(self._ends, place) % 2 == 1 and self._last >= place


class _Rules:
    """Lines such as `---`, in pairs; asked in order. A place parts its line, so what is left on either
    side can be such a line too.
    """

    def __init__(self, text: str, places: Sequence[int]) -> None:
        self._text, self._places = text, places
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._rules = list(_compiled(f"(?m)^{_RULE}$").finditer(text))
        self._next = 0
        self._odd: set[str] = set()
        self._last = {match["rule"]: match.start() for match in self._rules}

    def hold(self, number: int) -> bool:
        place = self._places[number]
        line = bisect_right(self._lines, place)
        start = self._lines[line - 1]
        end = self._lines[line] - 1 if line < len(self._lines) else len(self._text)
        while self._next < len(self._rules) and self._rules[self._next].end() < start:
            self._odd ^= {self._rules[self._next]["rule"]}
            self._next += 1
        odd = self._odd
        if not number or self._places[number - 1] < start:
            odd = odd ^ self._part(start, place)
        if any(self._last.get(rule, -1) > place for rule in odd):
            return True
        is_last = number + 1 == len(self._places) or self._places[number + 1] > end
        return is_last and bool(odd & self._part(place, end))

    def _part(self, start: int, end: int) -> set[str]:
        match = _compiled(_RULE).fullmatch(self._text, start, end)
        return {match["rule"]} if match else set()


class _Angles:
    """`<<<` … `>>>`."""

    def __init__(self, text: str) -> None:
        self._opened = [match.start() for match in re.finditer("(?=<<<)", text)]
        self._closed = [match.start() for match in re.finditer("(?=>>>)", text)]

    def hold(self, place: int) -> bool:
        before = bisect_right(self._opened, place - 3)
        if not before or not self._closed or self._closed[-1] < place:
            return False
        after = bisect_left(self._closed, self._opened[before - 1])
        return self._closed[after] > place - 3


class _Words:
    """Lines such as `[BEGIN MESSAGE]` and `[END MESSAGE]`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._begins = [match.end() for match in _compiled(_BEGIN).finditer(text)]
        ends = list(_compiled(_END).finditer(text))
        self._ends = [match.end() for match in ends]
        self._last = ends[-1].start() if ends else -1
        self._stops = [match.start() for match in _compiled(r"[\w\n]").finditer(text)]

    def hold(self, place: int) -> bool:
        if bisect_right(self._begins, place) <= bisect_right(self._ends, place):
            return False
        return self._last > place or self._ends_line(place)

    def _ends_line(self, place: int) -> bool:
        """Whether the rest of the line begins with the word, after what is no letter."""
        stop = bisect_left(self._stops, place)
        if stop == len(self._stops):
            return False
        return _compiled(r"END\b").match(self._text, self._stops[stop]) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
