"""What a message says in words: its template without tags, code, and JSON, character by character."""

from __future__ import annotations

import re
from functools import lru_cache

from tetrad.lint.fences import fences_of

_TAGS = r"(?s)\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}"
_CODE_SPAN = r"(?<!`)(`{1,2})(?!`)[^`\n]+?(?<!`)\1(?!`)"
_JSON = r"[\[{]\s*[\[{]?\s*[\"'](?=[^\"'\n]*[\"']\s*[:,\]])"
_LONGEST_JSON = 20_000
_NOT_BREAK = r"[^\n]"


@lru_cache(maxsize=64)
def prose_of(content: str) -> str:
    """A text as long as the content, with blanks in place of what is not prose."""
    text = re.sub(_TAGS, _blank, content) if "{" in content else content
    pieces, done = [], 0
    for fence in sorted(fences_of(text)):
        if fence.start >= done:
            end = len(text) if fence.end is None else fence.end
            pieces += [text[done : fence.start], _blanked(text[fence.start : end])]
            done = end
    text = "".join([*pieces, text[done:]]) if pieces else text
    text = re.sub(_CODE_SPAN, _blank, text) if "`" in text else text
    return _without_json(text)


def _without_json(text: str) -> str:
    pieces, done = [], 0
    for match in re.finditer(_JSON, text):
        if match.start() >= done:
            end = _end_of_json(text, match.start())
            pieces += [text[done : match.start()], _blanked(text[match.start() : end])]
            done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _end_of_json(text: str, start: int) -> int:
    """Where the brackets that open at a place are closed; the line's end where they never are."""
    depth = 0
    for match in re.compile(r"[\[\]{}]").finditer(text, start, start + _LONGEST_JSON):
        depth += 1 if match[0] in "[{" else -1
        if depth == 0:
            return match.end()
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _blank(match: re.Match[str]) -> str:
    return _blanked(match[0])


def _blanked(text: str) -> str:
    return re.sub(_NOT_BREAK, " ", text)
