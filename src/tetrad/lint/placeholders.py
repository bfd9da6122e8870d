"""Placeholders of other template languages in a message: `{name}` and `${name}`.

A message is searched without its tags, code and JSON. Braces mean other things too, so those next
to a path, a formula or a call are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tetrad.lint.prose import prose_of

_PLACEHOLDER = r"(?<![\w{}$\\^_/=@.-])\$?\{[ \t]?(?P<name>[A-Za-z_]\w*)[ \t]?\}(?![}\w/{(=]|\.\w)"
_BRACE = r"(?<!\{)\{[ \t]?[A-Za-z_]"  # what every placeholder begins with
# What a line says where the braces themselves are meant.
_MEANT = r"(?i)\b(?:placeholders?|verbatim|literally|replaced?|braces|f-strings?)\b|=>|\bf[\"']"
# Where a format is shown that the answer is to have.
_COPIED = (
    r"(?i)\b(?:format|formatted|templates?|structure|schema|examples?|e\.g\.|exactly|output|copy"
    r"|respond|reply|return|write|style|layout|naming|following|like|outline|response)\b"
)
_NEAR = 600  # characters before a placeholder in which a format may be announced
_LABEL = r"[ \t]*(?:[-*+•>#]+[ \t]*)?(?:[^\W_][^\n:：{}]{0,60}[:：][ \t]*)?[\"'*_]{0,3}"
_CODE = r"[;{}]\s*$|className|=>|</?(?:div|body|span|h\d|p|li|ul|button)\b"


class Placeholder(NamedTuple):
    start: int
    end: int
    name: str

    def written(self, content: str) -> str:
        return content[self.start : self.end]


def placeholders_of(content: str) -> Iterator[Placeholder]:
    """The placeholders in the prose of a message, those left out that their line speaks about."""
    if not re.search(_BRACE, content):
        return
    text = prose_of(content)
    for match in re.finditer(_PLACEHOLDER, text):
        line = _line_around(text, match.start())
        if not re.search(_MEANT, line):
            yield Placeholder(*match.span(), match["name"])


def stands_for_input(content: str, placeholder: Placeholder) -> bool:
    """Whether a placeholder is alone in its line, or behind a label, and no format is shown there."""
    text = prose_of(content)
    start = text.rfind("\n", 0, placeholder.start) + 1
    end = text.find("\n", placeholder.end)
    if " " in placeholder.written(text):
        return False
    after = text[placeholder.end : end if end >= 0 else len(text)]
    if after.strip(" \t\r\"'*_.") or not re.fullmatch(_LABEL, text[start : placeholder.start]):
        return False
    before = text[max(0, start - _NEAR) : placeholder.start]
    return not re.search(_COPIED, before) and not re.search(_CODE, _neighbours(text, start))


def _line_around(text: str, place: int) -> str:
    start = text.rfind("\n", 0, place) + 1
    end = text.find("\n", place)
    return text[start : end if end >= 0 else len(text)]


def _neighbours(text: str, start: int) -> str:
    """The line before the one that begins at a place."""
    return text[text.rfind("\n", 0, max(start - 1, 0)) + 1 : max(start - 1, 0)]
