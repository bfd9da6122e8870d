"""Characters that a reader does not see, and where their use is a script's or an emoji's own.

One regular expression finds them; what stands around a match decides whether it is orthography.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["bidirectional", "tag", "invisible"]

_BIDIRECTIONAL = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_MARKS = frozenset("\u061c\u200e\u200f")  # they order neighbours only, as Hebrew and Arabic need it
_TAGS = "\U000e0000-\U000e007f"
_INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0080-\U000e0fff"
)
_CLASSES: Mapping[Kind, str] = {
    "bidirectional": _BIDIRECTIONAL,
    "tag": _TAGS,
    "invisible": _INVISIBLE,
}

# The three flags of subdivisions that are recommended for interchange (Unicode TR 51, ED-14a):
# a black flag, the region's code in tag characters, a cancel tag.
_FLAG = "\U0001f3f4"
_FLAG_TAGS = frozenset(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf"
    "\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_KEYCAP = frozenset("0123456789#*")
_ARABIC = "\u0600-\u06ff\u0750-\u077f\u0870-\u08ff\ufb50-\ufdff\ufe70-\ufefc"
_INDIC = "\u0900-\u0dff\u0f00-\u109f\u1780-\u17ff\u1a20-\u1aaf\ua8e0-\ua8ff"
_MONGOLIAN = "\u1820-\u18aa"
_IDEOGRAPH = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_VIRAMA = 9  # canonical combining class


class Run(NamedTuple):
    """Neighbouring characters of one kind: offsets in the text, and the characters."""

    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def names(self) -> str:
        """The characters in words, each once."""
        return ", ".join(_name(character) for character in dict.fromkeys(self.text))

    @property
    def hidden_text(self) -> str:
        """What tag characters spell in ASCII."""
        letters = (chr(ord(c) - 0xE0000) for c in self.text if 0xE0020 <= ord(c) <= 0xE007E)
        return "".join(letters)


def runs_of(kind: Kind, text: str) -> Iterator[Run]:
    """Runs of a kind that are neither orthography nor emoji."""
    if text.isascii():
        return
    ordered = _Ordered(text)
    for match in _compiled(f"[{_CLASSES[kind]}]+").finditer(text):
        if kind == "tag" and _is_flag(text, match):
            continue
        if kind == "bidirectional" and ordered.by(match):
            continue
        if kind == "invisible":
            yield from _unexplained(text, match)
        else:
            yield Run(match.start(), match[0])


def _is_flag(text: str, match: re.Match[str]) -> bool:
    return match[0] in _FLAG_TAGS and text[match.start() - 1 : match.start()] == _FLAG


class _Ordered:
    """Directional marks in lines that have letters of a right-to-left script; asked for in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = -1  # of the line that was looked at last
        self._has_letters = False

    def by(self, match: re.Match[str]) -> bool:
        if not _MARKS.issuperset(match[0]):
            return False
        if match.start() >= self._end:
            start = self._text.rfind("\n", 0, match.start()) + 1
            end = self._text.find("\n", match.end())
            self._end = end if end >= 0 else len(self._text)
            line = self._text[start : self._end]
            self._has_letters = any(
                unicodedata.bidirectional(c) in {"R", "AL"} for c in line if c not in _MARKS
            )
        return self._has_letters


def _unexplained(text: str, match: re.Match[str]) -> Iterator[Run]:
    """The characters of a run that their neighbours do not explain, joined again."""
    start = None
    for offset in range(match.start(), match.end() + 1):
        inside = offset < match.end() and not _is_explained(text, offset)
        if inside and start is None:
            start = offset
        elif not inside and start is not None:
            yield Run(start, text[start:offset])
            start = None


def _is_explained(text: str, offset: int) -> bool:
    character = text[offset]
    before = text[offset - 1] if offset else ""
    after = text[offset + 1 : offset + 2]
    if character == "\ufeff":
        return offset == 0  # a byte order mark, not an inner one
    if character in (_ZWJ, _ZWNJ):
        return _joins(character, text, offset, after)
    if "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return _selects(character, before, after)
    if "\u180b" <= character <= "\u180f":
        return _is(_MONGOLIAN, before)
    return _fills_syllable(character, before, after)


def _fills_syllable(character: str, before: str, after: str) -> bool:
    """Fillers of conjoining Jamo: a syllable without its first consonant, or without its vowel."""
    if character == "\u115f":
        return "\u1161" <= after <= "\u11a7"
    return character == "\u1160" and "\u1100" <= before <= "\u115e"


def _joins(character: str, text: str, offset: int, after: str) -> bool:
    """Joiners shape Arabic and Indic letters (RFC 5892, appendix A); emoji are joined by ZWJ."""
    before = text[offset - 1] if offset else ""
    if not before:
        return False
    if _is(_ARABIC, before):
        return character == _ZWJ or _is(_ARABIC, after)
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if _is(_INDIC, before):
        return _is(_INDIC, after)
    if character == _ZWNJ:
        return False
    base = text[offset - 2] if before == "\ufe0f" and offset > 1 else before
    return _is(_EMOJI, base) and _is(_EMOJI, after)


def _selects(character: str, before: str, after: str) -> bool:
    """One selector right after a character that has variants."""
    if character in "\ufe0e\ufe0f":
        is_keycap = before in _KEYCAP and after == "\u20e3"
        return bool(before) and (is_keycap or _is(_EMOJI, before))
    return _is(_IDEOGRAPH, before)


def _is(characters: str, character: str) -> bool:
    """Whether a character, if there is one, is of a class."""
    return _compiled(f"[{characters}]").match(character) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled where a text is not ASCII, which most are."""
    return re.compile(pattern)


def _name(character: str) -> str:
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X} {name}".rstrip()
