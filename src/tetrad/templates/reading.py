"""What a template reads and what is wrong with it, without Jinja2 where that can be told without.

Most prompts do nothing but write variables, and to load and lint them starts no template engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from tetrad.templates.simple import simple_outputs

if TYPE_CHECKING:  # Jinja2 is imported where a template needs it
    from tetrad.templates.allowed import TemplateProblem

_BREAK = re.compile(r"\r\n|\r|\n")


@cache
def problems_of(text: str) -> tuple[TemplateProblem, ...]:
    """What keeps a text from being a template here: syntax (TPL201) or the allow-list (TPL204)."""
    if simple_outputs(text) is not None:
        return ()
    from tetrad.templates.render import problems_of_template

    return problems_of_template(text)


@cache
def variables_of(text: str) -> Mapping[str, int]:
    """The variables that a template reads, each with the offset of its first use; none where it does
    not parse.
    """
    simple = simple_outputs(text)
    if simple is not None:
        return {match["name"]: match.start("name") for match in reversed(simple)}
    from tetrad.templates import render

    found = render.variables_of(text)
    return {name: offset_of(text, place.line, place.column) for name, place in found.items()}


def offset_of(text: str, line: int, column: int) -> int:
    """The offset of a position that counts from 1; the text's end where it lies behind it."""
    start = 0
    for _ in range(line - 1):
        found = _BREAK.search(text, start)
        if found is None:
            return len(text)
        start = found.end()
    return min(start + column - 1, len(text))
