"""What is a value for a variable that a prompt declares, why another is none, and its text."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tetrad.canonical import Json, as_digested
from tetrad.errors import BadRequest
from tetrad.model import Variable
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
    "string": "write a text in quotes",
    "number": "write a number without quotes",
    "integer": "write a whole number without quotes",
    "boolean": "write true or false, without quotes",
    "array": "write a list: [a, b]",
    "object": "write its keys, indented, below it",
}


def is_of_type(variable: Variable, value: Json) -> bool:
    """Whether a value has the type that a variable declares; nothing is converted."""
    kind = variable.type
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def text_of(value: Json) -> str:
    """A value as text: what is counted, retrieved with and compared."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(as_digested(value), ensure_ascii=False)
    except RecursionError as error:
        raise BadRequest(TOO_DEEP) from error


def misfit_of(variable: Variable, value: Json) -> tuple[str, str] | None:
    """Why a file's value is none for a variable, and how to mend it; None where it is one."""
    name, file = variable.name, variable.location.file
    if not is_of_type(variable, value):
        taken, given = TYPE_NAMES[variable.type], _said(value)
        return f"the variable {name!r} is {taken}, and this is {given}", _mended(variable, value)
    if variable.max_chars is not None and len(text_of(value)) > variable.max_chars:
        message = f"the variable {name!r} takes at most {variable.max_chars:,} characters"
        return message, f"shorten it, or raise max_chars in {file}"
    return None


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
