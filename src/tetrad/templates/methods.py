"""Methods of Python that templates elsewhere call, and the filters that do the same here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

# What is written without arguments, by method.
_FILTERS: Mapping[str, str] = {
    "items": "items",
    "values": "values",
    "keys": "list",
    "splitlines": "lines",
    "upper": "upper",
    "lower": "lower",
    "title": "title",
    "capitalize": "capitalize",
    "strip": "trim",
}
_KEY = r"""(?P<key>"[^"\n]*"|'[^'\n]*'|[A-Za-z]\w*(?:\.[A-Za-z]\w*)*|\d+)"""
_GET = rf"\.get\(\s*{_KEY}\s*(?:,\s*(?P<otherwise>[^(){{}}\n]*?)\s*)?\)"
_EMPTY = r"\.(?P<method>\w+)\(\s*\)"
# After a filter no part of its value can be taken, and a test would see another value.
_GOES_ON = r"\s*(?:[.\[(]|is\b)"


class Replacement(NamedTuple):
    """What takes the place of characters `start` to `end`; `whole`, unless the expression goes on."""

    start: int
    end: int
    text: str
    whole: bool


def replacement_at(text: str, method: int) -> Replacement | None:
    """The filter that does what a method does whose name begins at an offset; None for most."""
    start = method - 1
    get = re.compile(_GET).match(text, start) if start >= 0 else None
    if get is not None:
        otherwise = f"({get['otherwise']})" if get["otherwise"] else ""
        found, new = get, f"[{get['key']}]|default{otherwise}"
    else:
        empty = re.compile(_EMPTY).match(text, start) if start >= 0 else None
        if empty is None or empty["method"] not in _FILTERS:
            return None
        found, new = empty, f"|{_FILTERS[empty['method']]}"
    return Replacement(start, found.end(), new, not re.compile(_GOES_ON).match(text, found.end()))
