"""Where a text is marked as data: between tags, in fences and quotes, under headings, as JSON.

A text is that of a template with `MARK` in place of every output. Each kind of delimiter is looked
for by itself; what one of them holds is data.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from tetrad.lint.markers import marked_blocks
from tetrad.lint.sections import data_sections

MARK = "\ue000"  # stands for an output; no text that people write has it


class Block(NamedTuple):
    """Characters `start` to `end`: what is between two delimiters."""

    start: int
    end: int


# `<name>`, `<TWO WORDS>`, `<name key="value">`, `[name]`, and what closes them.
_TAG = (
    r"(?<!`)(?:<(?P<close>/?)\s*(?P<name>[^\W\d][^<>\n]*)(?<!/)>"
    r"|\[(?P<close_>/?)(?P<name_>[^\W\d][^\[\]\n]*)\])"
)
# What these hold is meant to be obeyed, so text among other text in them is not marked as data.
_INSTRUCTING = frozenset(
    ("inst", "instruction", "instructions", "sys", "system", "prompt", "task", "rules", "goal")
)
_TAG_WITH_VALUES = r"<[^\W\d][^<>\n]*=[^<>\n]*>"
_VALUE = rf"""(?<==)(?:"[^"<>\n]*{MARK}[^"<>\n]*"|'[^'<>\n]*{MARK}[^'<>\n]*')"""
_JSON = (
    rf"""(?:"[^"\n{MARK}]{{1,60}}"|'[^'\n{MARK}]{{1,60}}')[ \t]*:[ \t]*"""
    rf"""(?:"[^"\n]*"|'[^'\n]*'|{MARK}+(?=[ \t]*(?:[,\]}}\n]|\Z)))"""
)
_QUOTED_JSON = rf"""(?:"[^"\n{MARK}]{{1,60}}"|'[^'\n{MARK}]{{1,60}}')[ \t]*:[ \t]*(?:"[^"\n]*{MARK}[^"\n]*"|'[^'\n]*{MARK}[^'\n]*')"""
_BULLETS = r"[ \t>*+•-]*(?:\d+[.)][ \t]*)?"


def are_delimited(text: str, places: Sequence[int]) -> Iterator[bool]:
    """Of each place, in order, whether it lies in such a block; nothing is said of what is at it."""
    return are_within(blocks_of(text), places)


def are_within(blocks: Iterator[tuple[int, int]], places: Sequence[int]) -> Iterator[bool]:
    """Of each place, in order, whether it lies in one of the blocks."""
    if not places:
        return
    joined = _joined(blocks)
    starts = [block.start for block in joined]
    for place in places:
        before = bisect_right(starts, place)
        yield before > 0 and joined[before - 1].end > place


def breakable_blocks(text: str) -> Iterator[tuple[str, Iterator[tuple[int, int]]]]:
    """The stretches between marks that a text may well contain, by the marks' name."""
    yield "a fence", _fences(text)
    for mark in ('"""', "'''"):
        if mark in text:
            yield "triple quotes", _quotes(text, mark)
    yield "JSON", (match.span() for match in _compiled(_QUOTED_JSON).finditer(text))


def sturdy_blocks(text: str) -> Iterator[tuple[int, int]]:
    """The stretches between tags, angles and markers: no text has those by chance."""
    yield from _tags(text)
    yield from _angles(text)
    yield from marked_blocks(text)


def blocks_of(text: str) -> Iterator[tuple[int, int]]:
    """The stretches of a text that are marked as data; they may overlap."""
    fences = list(_fences(text))
    yield from fences
    for mark in ('"""', "'''"):
        if mark in text:
            yield from _quotes(text, mark)
    yield from _tags(text)
    yield from _angles(text)
    if '"' in text or "'" in text:
        yield from (match.span() for match in _compiled(_JSON).finditer(text))
    if "=" in text:
        yield from _attributes(text)
    yield from marked_blocks(text)
    yield from data_sections(_without(text, fences))


def _joined(blocks: Iterator[tuple[int, int]]) -> list[Block]:
    """The same stretches, in order and apart."""
    joined: list[Block] = []
    for start, end in sorted(blocks):
        if joined and start <= joined[-1].end:
            joined[-1] = Block(joined[-1].start, max(joined[-1].end, end))
        elif start < end:
            joined.append(Block(start, end))
    return joined


def _without(text: str, blocks: Sequence[tuple[int, int]]) -> str:
    """The text with dots in place of the blocks, line by line: a comment in code is no heading."""
    pieces, done = [], 0
    for start, end in sorted(blocks):
        if start >= done:
            pieces += [text[done:start], re.sub(rf"[^\n{MARK}]", ".", text[start:end])]
            done = end
    return "".join([*pieces, text[done:]]) if pieces else text


# --- fences and triple quotes


class _Run(NamedTuple):
    """Three characters or more that open or close, and what stands around them in their line."""

    start: int
    end: int
    before: str
    after: str

    @property
    def is_first(self) -> bool:
        return _compiled(_BULLETS).fullmatch(self.before) is not None

    @property
    def is_last(self) -> bool:
        return not self.after.strip()

    @property
    def closes_output(self) -> bool:
        return self.before.rstrip().endswith(MARK)

    @property
    def opens_output(self) -> bool:
        return self.after.lstrip().startswith(MARK)

    @property
    def introduced(self) -> bool:
        """Whether a sentence ends with it, and the text begins in the next line."""
        return self.is_last and self.before.rstrip().endswith((":", "："))


_NEAR = 200  # characters of a line that are looked at on either side


def _runs(text: str, pattern: str) -> Iterator[_Run]:
    for match in re.finditer(pattern, text):
        start, end = match.span()
        after = text[end : end + _NEAR].partition("\n")[0]
        yield _Run(start, end, _line_before(text, start), after)


def _line_before(text: str, place: int) -> str:
    return text[max(0, place - _NEAR) : place].rpartition("\n")[2]


_INFO = rf"[ \t]*(?:[\w+#./-]*[ \t]*(?:[{{:=].*)?|{MARK}.*)"  # what may follow a fence: a language


def _fences(text: str) -> Iterator[tuple[int, int]]:
    """Fences begin a line, or hold an output within it: one in a sentence is only spoken of."""
    for mark in ("```", "~~~"):
        if mark in text:
            yield from _paired(text, list(_runs(text, f"{mark[0]}{{3,}}")), fence=True)


def _quotes(text: str, mark: str) -> Iterator[tuple[int, int]]:
    return _paired(text, list(_runs(text, mark)), fence=False)


def _paired(text: str, runs: Sequence[_Run], *, fence: bool) -> Iterator[tuple[int, int]]:
    opened: _Run | None = None
    skipped = -1
    for number, run in enumerate(runs):
        if number == skipped:
            continue
        following = runs[number + 1] if number + 1 < len(runs) else None
        if opened is not None:
            if _closes(run, opened, fence=fence):
                yield opened.end, run.start
                opened = None
        elif following and text.find("\n", run.end, following.start) < 0:
            yield run.end, following.start
            skipped = number + 1
        elif run.opens_output or run.introduced or (run.is_first and _begins(run, fence=fence)):
            opened = run


def _begins(run: _Run, *, fence: bool) -> bool:
    return not fence or _compiled(_INFO).fullmatch(run.after) is not None


def _closes(run: _Run, opened: _Run, *, fence: bool) -> bool:
    if fence and run.end - run.start < opened.end - opened.start:
        return False
    if fence and run.is_first:
        return run.is_last  # with a language, it opens another
    return run.is_first or run.is_last or run.closes_output


# --- tags


def _tags(text: str) -> Iterator[tuple[int, int]]:
    if "<" not in text and "[" not in text:
        return
    opened: dict[str, list[re.Match[str]]] = {}
    for tag in _compiled(_TAG).finditer(text):
        name = (tag["name"] or tag["name_"]).strip().casefold()
        if not (tag["close"] or tag["close_"]):
            for key in {_bare(name), name.split(maxsplit=1)[0]}:
                opened.setdefault(f"{text[tag.start()]}{key}", []).append(tag)
            continue
        waiting = opened.get(f"{text[tag.start()]}{_bare(name)}")
        if waiting:
            opening = waiting.pop()
            if _holds(text, opening, tag, name):
                yield opening.end(), tag.start()


def _attributes(text: str) -> Iterator[tuple[int, int]]:
    """Values in quotes within a tag: `<doc title="…">`."""
    for tag in _compiled(_TAG_WITH_VALUES).finditer(text):
        yield from (value.span() for value in _compiled(_VALUE).finditer(text, *tag.span()))


def _bare(name: str) -> str:
    """A tag's name: all its words, or the first where attributes follow."""
    return name.split(maxsplit=1)[0] if "=" in name else " ".join(name.split())


def _holds(text: str, opening: re.Match[str], closing: re.Match[str], name: str) -> bool:
    """Whether a pair of tags holds what is between: two that a sentence names do not."""
    if name in _INSTRUCTING:
        return not text[opening.end() : closing.start()].replace(MARK, "").strip()
    if text.find("\n", opening.end(), closing.start()) < 0:
        return True
    before = _line_before(text, opening.start())
    starts_line = _compiled(rf"{_BULLETS}(?:<[^<>\n]*>\s*)*").fullmatch(before) is not None
    return starts_line or _compiled(rf"[ \t]*[\n{MARK}]").match(text, opening.end()) is not None


def _angles(text: str) -> Iterator[tuple[int, int]]:
    """`<<<` … `>>>`."""
    end = 0
    for match in re.finditer("<<<+", text):
        if match.start() < end:
            continue
        end = text.find(">>>", match.end())
        if end < 0:
            return
        yield match.end(), end


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
