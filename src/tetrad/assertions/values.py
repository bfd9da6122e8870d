"""Reading an assertion's `value` in the forms that promptfoo takes."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence

from tetrad.canonical import Json
from tetrad.text import shorten

SHOWN = 80  # characters of a value in a reason


def as_text(value: Json) -> str:
    """A scalar as JavaScript's String() writes it, so that promptfoo's numbers match the same text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "null" if value is None else str(value)


def as_texts(value: Json) -> tuple[str, ...]:
    """A list, or a string of comma-separated values in which quotes protect commas."""
    if isinstance(value, str):
        one_line = value.replace("\r", " ").replace("\n", " ")
        (row,) = csv.reader([one_line], skipinitialspace=True)
        # Between two commas stands no text: "" would be in every answer.
        return tuple(item.strip() for item in row if item.strip())
    if isinstance(value, Sequence):
        return tuple(as_text(item) for item in value)
    return (as_text(value),)


def references_of(value: Json) -> tuple[str, ...]:
    """What an answer may be like: one text, commas and all, or the texts of a list."""
    return (value,) if isinstance(value, str) else as_texts(value)


def shown(value: Json) -> str:
    return f'"{shorten(as_text(value), SHOWN)}"'


def is_object(value: Json) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, Sequence) and not isinstance(value, str)
    )
