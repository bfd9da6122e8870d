"""A message of instructions and data as two: what is told, and what it is told of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from tetrad.lint.prompts import BLOCK_TAG, Untrusted
from tetrad.lint.wrapping import tag_of

_NAME = "\ue001"  # before the number of what stands there
_WORD = r"[^\W_][\w'’]*"
_TAG = r"</?[^<>\n]*>"
_MOST_WORDS = 3  # beside a text that has its line to itself
_DELIMITER = (
    r"\s*(?:[\W_]*|(?:```|~~~)\S*|[#*\s_]*[^\s:：]{1,30}(?:[ ][^\s:：]{1,30}){0,2}[:：][*_]*"
    r"|\#{1,6}\s[^\n]{1,60}|[\[=*-]+[^\n]{1,40}[\]=*-]*)\s*"
)
_CLOSES = r"(?i)\bend\b|\A\W*\Z"


def instructions_of(content: str, found: Sequence[Untrusted]) -> str:
    """The lines of a message that are no data, with tags in place of what is written in them."""
    text = _with_marks(content, found)
    lines = text.split("\n")
    is_data = [_is_data(line) for line in lines]
    for number in (*range(len(lines)), *reversed(range(len(lines)))):  # what is beside data is, too
        is_data[number] = is_data[number] or _is_delimiter(lines, is_data, number)
    kept = [line for line, data in zip(lines, is_data, strict=True) if not data]
    named = [f"<{_tag(one)}>" for one in found]
    around = r"(?:[\"'`“”]{1,3}|</?[^<>\n]*>)?"
    joined = re.sub(
        rf"{around}{_NAME}(\d+){_NAME}{around}", lambda m: named[int(m[1])], "\n".join(kept)
    )
    return re.sub(r"\n{3,}", "\n\n", joined).strip()


def data_of(found: Sequence[Untrusted]) -> str:
    """The texts that are left, each between tags."""
    return " ".join(
        dict.fromkeys(f"<{_tag(one)}>{_expression(one)}</{_tag(one)}>" for one in found)
    )


def _tag(found: Untrusted) -> str:
    return found.variable if found.outputs[0].looped else tag_of(found)


def _expression(found: Untrusted) -> str:
    return "…" if found.outputs[0].looped else found.expression(found.outputs[0])


def _with_marks(content: str, found: Sequence[Untrusted]) -> str:
    places = sorted(
        {
            (w.start, w.end): number
            for number, one in reversed(list(enumerate(found)))
            for w in one.outputs
        }.items()
    )
    pieces, done = [], 0
    for (start, end), number in places:
        if start >= done:
            pieces += [content[done:start], f"{_NAME}{number}{_NAME}"]
            done = end
    return BLOCK_TAG.sub("", "".join([*pieces, content[done:]]))


def _is_data(line: str) -> bool:
    if _NAME not in line:
        return False
    around = re.sub(rf"{_NAME}\d+{_NAME}", " ", _compiled(_TAG).sub(" ", line))
    return len(_compiled(_WORD).findall(around)) <= _MOST_WORDS


def _is_delimiter(lines: Sequence[str], is_data: Sequence[bool], number: int) -> bool:
    """Whether a line without words, or a title, stands beside data."""
    bare = _compiled(_TAG).sub("", lines[number])
    if not lines[number].strip() or _compiled(_DELIMITER).fullmatch(bare) is None:
        return False
    after = next((n for n in range(number + 1, len(lines)) if lines[n].strip()), None)
    before = next((n for n in range(number - 1, -1, -1) if lines[n].strip()), None)
    if after is not None and is_data[after]:
        return True
    return before is not None and is_data[before] and _compiled(_CLOSES).search(bare) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
