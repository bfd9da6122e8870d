"""What the formats say besides messages, in words of our own."""

from __future__ import annotations

from typing import Any, NamedTuple

from tetrad.yamldoc.document import Node, Span

_TYPES = {
    "string": ("string", "str", "text"),
    "number": ("number", "float", "double"),
    "integer": ("integer", "int"),
    "boolean": ("boolean", "bool"),
    "array": ("array", "list"),
    "object": ("object", "dict", "dictionary", "map"),
}
_BY_NAME = {name: kind for kind, names in _TYPES.items() for name in names}


class Declared(NamedTuple):
    """A variable that a file declares."""

    name: str
    type: str
    key: Span
    node: Node
    enum: tuple[str, ...] = ()
    elsewhere: bool = False  # whether it is used outside of messages


class ForeignOutput(NamedTuple):
    """What a file says of the answer. `keys` are those of an object, None where no shape is given."""

    place: Span
    is_json: bool
    keys: tuple[str, ...] | None
    enum: tuple[str, ...] = ()


def type_of(said: Any) -> str:
    """The type that a format's word means; a text where it is none that we know."""
    return _BY_NAME.get(said.strip().lower(), "string") if isinstance(said, str) else "string"
