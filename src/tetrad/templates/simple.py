"""Templates that only write variables, which most prompts are, told apart without Jinja2."""

from __future__ import annotations

import re
from functools import cache

SIMPLE = re.compile(r"\{\{[ \t]*(?P<name>[a-zA-Z][a-zA-Z0-9_]*)[ \t]*\}\}")
# Names that mean something to Jinja2 or to our allow-list.
_WORDS = frozenset(
    [
        *("true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if"),
        *("else", "loop", "self", "super", "caller", "varargs", "kwargs"),
    ]
)


def has_marks(text: str) -> bool:
    """Whether a text is a template that is more than itself."""
    return "{{" in text or "{%" in text or "{#" in text


@cache
def simple_outputs(text: str) -> tuple[re.Match[str], ...] | None:
    """The outputs of a template that does nothing but write variables; None of any other."""
    matches = tuple(SIMPLE.finditer(text))
    if "{%" in text or "{#" in text or text.count("{{") != len(matches):
        return None
    if any(match["name"] in _WORDS or _is_after_brace(text, match.start()) for match in matches):
        return None
    return matches


def _is_after_brace(text: str, start: int) -> bool:
    """Whether a third brace makes something else of an output."""
    return text[start - 1 : start] == "{"
