"""Where a message asks for JSON in words."""

from __future__ import annotations

import re
from typing import NamedTuple

# Patterns are compiled where a message speaks of JSON: a lint of one file is to take a blink.
_ASKED = r"""(?ix)
    \b(?:respond|reply|answer|return|output|produce|generate|provide|give|emit|print|deliver|
        write\ (?:it|your|the\ (?:answer|result|response|output))|format\ (?:it|your|the)|
        response\ format\ is|only\ accepts?|(?:must|should|has\ to|needs\ to)\ be)\b
    (?:(?!\b(?:if|when|the\ (?:following|given)|this|input|from|of\ the)\b)[^.!?;:\n]){0,80}?
    \bJSON\b (?!\ (?:schema|file|path|input|below|above|lines?\b|string\ (?:below|above)))"""
_SENTENCE = r"[^.!?;\n]+"
_NEGATED = r"(?i)\b(?:no|not|never|without|avoid|rather than|instead of|cannot|neither)\b|n['’]t\b"
_ONLY = r"(?i)\b(?:no|not|without) (?:other|any other|additional|extra|further)\b"
_MARKUP = r"(?ms)\{\{.*?\}\}|\{%.*?%\}|\{\#.*?\#\}|^[ \t]*```.*?^[ \t]*```"


class Asked(NamedTuple):
    start: int
    end: int


def asked_json(content: str) -> Asked | None:
    """The first words of a template that ask for JSON; what it forbids, and code, do not."""
    if "json" not in content.lower():
        return None
    text = re.sub(_MARKUP, lambda match: re.sub(r"[^\n]", " ", match[0]), content)
    for sentence in re.finditer(_SENTENCE, text):
        found = re.search(_ASKED, sentence[0])
        if found is None:
            continue
        before = re.sub(_ONLY, "", sentence[0][: found.end()])
        if not re.search(_NEGATED, before):
            return Asked(sentence.start() + found.start(), sentence.start() + found.end())
    return None
