"""The forms of values that several types take; what is wrong with a value, None where nothing is."""

from __future__ import annotations

from collections.abc import Sequence

from tetrad.assertions.values import comma_separated
from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.templates.simple import has_marks


def is_templated(value: Json) -> bool:
    """Whether a value, or a text of its list, has variables to be filled in."""
    if isinstance(value, str):
        return has_marks(value)
    return isinstance(value, Sequence) and any(
        isinstance(v, str) and is_templated(v) for v in value
    )


def text_problem(value: Json, _: Assertion) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        return "needs a text or a number as `value`"
    return None


def texts_problem(value: Json, _: Assertion) -> str | None:
    """Of texts or numbers in a list, or one text of comma-separated values."""
    if isinstance(value, str):
        try:
            items = comma_separated(value)
        except ValueError as error:
            return f"has a list in which {error}"
        return None if items else "needs a list of texts as `value`"
    if isinstance(value, Sequence) and value:
        if "" in value:
            return "takes no empty text in its list: every answer contains it"
        if all(isinstance(v, str | int | float) and not isinstance(v, bool) for v in value):
            return None
        return "takes texts and numbers in its list"
    return "needs a list of texts as `value`"


def references_problem(value: Json, assertion: Assertion) -> str | None:
    """Of one text, or a list of texts of which the best match counts."""
    if isinstance(value, str):
        return text_problem(value, assertion)
    if isinstance(value, Sequence) and value and all(isinstance(v, str) and v for v in value):
        return None
    return "needs a text, or a list of texts, as `value`"
