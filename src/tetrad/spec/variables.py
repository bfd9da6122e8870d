"""What is a value for a variable that a prompt declares, and its text."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tetrad.canonical import Json, as_digested
from tetrad.errors import BadRequest
from tetrad.spec.model import Variable

TOO_DEEP = "a value is nested too deeply to be written"

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
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
