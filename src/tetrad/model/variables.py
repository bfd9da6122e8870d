"""What is a value for a variable that a prompt declares, why another is none, and its text.

Files and requests are held to the same: only where a message goes differs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import NamedTuple

from tetrad.canonical import Json, as_digested
from tetrad.errors import BadRequest
from tetrad.model import Prompt, Variable
from tetrad.schemas.nearest import nearest_of_each
from tetrad.schemas.violations import TYPE_NAMES

TOO_DEEP = "a value is nested too deeply to be written"

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
}

_MENDED = {
    "string": "put it in quotes",
    "number": "write a number without quotes",
    "integer": "write an integer without quotes",
    "boolean": "write true or false, without quotes",
    "array": "write a list: [a, b]",
    "object": "write its keys, indented, below it",
}


def text_of(value: Json) -> str:
    """A value as text: what is counted, retrieved with and compared."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(as_digested(value), ensure_ascii=False)
    except RecursionError as error:
        raise BadRequest(TOO_DEEP) from error


class Misfit(NamedTuple):
    """Why a value is none for a variable."""

    message: str  # what follows the variable's name
    hint: str  # how a file is corrected
    is_of_type: bool


def misfit_of(variable: Variable, value: Json) -> Misfit | None:
    """Why a value is none for a variable; None where it is one."""
    if not _is_of_type(variable, value):
        message = f"must be {TYPE_NAMES[variable.type]}, not {_said(value)}"
        return Misfit(message, _mended(variable, value), is_of_type=False)
    text = text_of(value)
    if not text.isascii() and not _is_unicode(text):
        message = "must be in UTF-8, and holds half a surrogate pair"
        return Misfit(message, "write the whole character, or leave it out", is_of_type=True)
    if variable.max_chars is not None and len(text) > variable.max_chars:
        message = f"must have at most {variable.max_chars:,} characters, not {len(text):,}"
        hint = f"shorten it, or raise max_chars in {variable.location.file}"
        return Misfit(message, hint, is_of_type=True)
    if variable.enum and value not in variable.enum:
        *others, last = map(repr, variable.enum)
        listed = f"{', '.join(others)} or {last}" if others else last
        message = f"must be {listed}"
        hint = f"write one of them, or add it to enum in {variable.location.file}"
        return Misfit(message, hint, is_of_type=True)
    return None


def missing_in(
    prompt: Prompt, given: Collection[str], filled: Collection[str] = ()
) -> Mapping[str, str | None]:
    """The variables that a request must give and does not, each with the undeclared name that most
    likely means it; `filled` are those that the stack fills itself.
    """
    lacking = [
        name
        for name, variable in prompt.variables.items()
        if variable.required and name not in given and name not in filled
    ]
    others = [name for name in given if name not in prompt.variables] if lacking else []
    return nearest_of_each(lacking, others)


def _is_of_type(variable: Variable, value: Json) -> bool:
    """Whether a value has the type that a variable declares; nothing is converted."""
    kind = variable.type
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _said(value: Json) -> str:
    """What a value is, in words that fit others of its type as well."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return "a number with a fraction"
    return TYPE_NAMES[_type_of(value)]


def _type_of(value: Json) -> str:
    """The type by which a variable would take a value that is not null."""
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "integer" if isinstance(value, int) else "number"
        case str():
            return "string"
        case Mapping():
            return "object"
    return "array"


def _mended(variable: Variable, value: Json) -> str:
    if value is None:
        return _MENDED[variable.type] if variable.required else "leave it out"
    declared = f"declare type: {_type_of(value)} in {variable.location.file}"
    return f"{_MENDED[variable.type]}, or {declared}"
