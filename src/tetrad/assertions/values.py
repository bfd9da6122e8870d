"""Reading an assertion's `value` in the forms that promptfoo takes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from math import isfinite

from tetrad.canonical import Json, canonical_json
from tetrad.text import shorten

SHOWN = 80  # characters of a value in a reason

_GAP = re.compile(r"[\s,]*")
_PLAIN = re.compile(r"[^,]+")
_QUOTED = re.compile(
    r"""
    "(?P<item>(?:\\["\\]|""|[^"])*+)
    (?P<closed>"\s*(?P<next>(?=,)|\Z)?)?
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"""\\(["\\])|"(")""")


def as_text(value: Json) -> str:
    """A scalar as JavaScript's String() writes it, so that promptfoo's numbers match the same text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and isfinite(value):
        return canonical_json(value).decode()
    return "null" if value is None else str(value)


def as_json(value: Json) -> str:
    """A value as JavaScript's JSON.stringify() writes it; RecursionError where it is too deep."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return (
            "{" + ",".join(f"{as_json(key)}:{as_json(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, Sequence):
        return "[" + ",".join(map(as_json, value)) + "]"
    return as_text(value)


def as_texts(value: Json) -> tuple[str, ...]:
    """A list, or a string of comma-separated values in which quotes protect commas."""
    if isinstance(value, str):
        return comma_separated(value)
    if isinstance(value, Sequence):
        return tuple(as_text(item) for item in value)
    return (as_text(value),)


def comma_separated(text: str) -> tuple[str, ...]:
    """The items of a list in one text, as promptfoo reads it; ValueError says what is wrong with it.

    In an item in quotes, a quote is written twice or after a backslash. An empty item without
    quotes is none: "" would be in every answer.
    """
    items: list[str] = []
    position = 0
    while (start := _GAP.match(text, position)) is not None and start.end() < len(text):
        quoted = _QUOTED.match(text, start.end())
        if quoted is None:
            plain = _PLAIN.match(text, start.end())
            position = len(text) if plain is None else plain.end()
            items.append(text[start.end() : position].strip())
            continue
        if quoted["closed"] is None:
            raise ValueError(f"a quote is not closed: {shown(text)}")
        if quoted["next"] is None:
            raise ValueError(f"a comma is missing after {quoted[0].strip()}: {shown(text)}")
        position = quoted.end()
        items.append(_ESCAPE.sub(lambda match: match[1] or match[2], quoted["item"]))
    return tuple(item for item in items if item.strip())


def references_of(value: Json) -> tuple[str, ...]:
    """What an answer may be like: one text, commas and all, or the texts of a list."""
    return (value,) if isinstance(value, str) else as_texts(value)


def shown(value: Json) -> str:
    return f'"{shorten(as_text(value), SHOWN)}"'


def is_object(value: Json) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, Sequence) and not isinstance(value, str)
    )
