"""Two answers in few words, at the places where they differ. Pure.

Long answers that begin alike would look the same if they were only cut: JSON is compared value by
value, other text is shown from shortly before the first difference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from unicodedata import normalize

from tetrad.assertions.json_values import differences
from tetrad.report import words
from tetrad.results.gate_report import CaseReport
from tetrad.text import inert, one_line, pluralize, shorten

NOTHING = "(nothing)"
_BLANK = re.compile(r"[^\S ]")  # that is no space, and looks like one
_LEAD = re.compile(r"\S+\s+\S*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What stood somewhere, and what stands there now; `place` is "" for the whole answer."""

    place: str = ""
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Glimpse:
    """The first changes of an answer, and how many more there are."""

    changes: tuple[Change, ...]
    more: int = 0

    def __str__(self) -> str:
        told = [f"{c.place and f'{c.place}: '}{c.before} → {c.after}" for c in self.changes]
        return "; ".join([*told, *self.rest()])

    def rest(self) -> tuple[str, ...]:
        return (f"and {pluralize(self.more, 'more change')}",) if self.more else ()


def glimpse(case: CaseReport, *, room: int, most: int = 2) -> Glimpse | str:
    """How the answer changed, each side in about `room` characters; the answer where it did not,
    for which there is twice the room.
    """
    now = words.output_of(case.candidate)
    if case.base is None or (before := words.output_of(case.base)) == now:
        return shorten(now, 2 * room) or NOTHING
    return _of_json(before, now, room, most) or Glimpse(changes=(_of_text(before, now, room),))


def _of_json(before: str, now: str, room: int, most: int) -> Glimpse | None:
    """None where a side is no JSON object or array, or where only its spelling differs."""
    try:
        old, new = json.loads(before), json.loads(now)
        found = differences(old, new)
        first = list(islice(found, most))
        more = sum(1 for _ in found)
    except (ValueError, RecursionError):
        return None
    if not first or not isinstance(old, dict | list) or not isinstance(new, dict | list):
        return None
    changes = tuple(
        Change(
            place="" if one.place == "$" else one_line(one.place),
            before=shorten(one.before, room),
            after=shorten(one.after, room),
        )
        for one in first
    )
    return Glimpse(changes=changes, more=more)


def _of_text(before: str, now: str, room: int) -> Change:
    old, new = _told_apart(before, now)
    start = _start(old, new, room)
    return Change(before=_from(start, old, room), after=_from(start, new, room))


def _told_apart(before: str, now: str) -> tuple[str, str]:
    """Both on one line; in quotes where blanks make the difference, escaped where nobody sees it."""
    if normalize("NFC", before) == normalize("NFC", now):
        return json.dumps(before), json.dumps(now)
    for shown in (one_line, _quoted):
        if shown(before) != shown(now):
            return shown(before) or NOTHING, shown(now) or NOTHING
    return json.dumps(before), json.dumps(now)


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return inert(_BLANK.sub(lambda blank: f"\\u{ord(blank[0]):04x}", quoted))


def _start(old: str, new: str, room: int) -> int:
    """Where to begin so that the first difference is seen, with a word or two before it."""
    if max(len(old), len(new)) <= room:
        return 0
    differs = next(_differing(old, new))
    if differs <= room // 2:
        return 0
    lead = _LEAD.search(old[max(0, differs - room // 3) : differs])
    return differs if lead is None else differs - len(lead[0])


def _differing(old: str, new: str) -> Iterator[int]:
    yield from (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    yield min(len(old), len(new))


def _from(start: int, text: str, room: int) -> str:
    return shorten(text[start:], room) if start == 0 else shorten(f"…{text[start:]}", room)
