"""Reading an assertion's `value`: the forms that promptfoo takes, and what is wrong with others."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence

from tetrad.canonical import Json
from tetrad.spec.model import Assertion
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
        (row,) = csv.reader([value.replace("\n", " ")], skipinitialspace=True)
        return tuple(item.strip() for item in row)
    if isinstance(value, Sequence):
        return tuple(as_text(item) for item in value)
    return (as_text(value),)


def shown(value: Json) -> str:
    return f'"{shorten(as_text(value), SHOWN)}"'


def needs_text(value: Json, _: Assertion) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        return "needs a text or a number as `value`"
    return _file_problem(value)


def needs_texts(value: Json, _: Assertion) -> str | None:
    """Texts or numbers in a list, or one text of comma-separated values."""
    if isinstance(value, str) and value.strip():
        return _file_problem(value)
    scalars = (str, int, float)
    if not isinstance(value, str) and isinstance(value, Sequence) and value:
        if all(isinstance(item, scalars) and not isinstance(item, bool) for item in value):
            return None
        return "takes texts and numbers in its list"
    return "needs a list of texts as `value`"


def needs_references(value: Json, assertion: Assertion) -> str | None:
    """One text, or a list of texts of which the best match counts."""
    if isinstance(value, str):
        return needs_text(value, assertion)
    if isinstance(value, Sequence) and value and all(isinstance(v, str) and v for v in value):
        return None
    return "needs a text, or a list of texts, as `value`"


def needs_threshold(_: Json, assertion: Assertion) -> str | None:
    if assertion.threshold is None:
        return "needs a `threshold`"
    return None


def is_object(value: Json) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, Sequence) and not isinstance(value, str)
    )


def _file_problem(value: Json) -> str | None:
    if isinstance(value, str) and value.startswith("file://"):
        return f"names a file that was not read: {value}"
    return None
