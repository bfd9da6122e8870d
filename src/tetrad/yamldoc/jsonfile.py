"""A JSON file with the place of each of its values.

The standard library decides what is JSON; what it accepts is then read for its places, with the
strictness of our YAML: no key twice, no NaN, no half characters, no number that JSON cannot carry.
"""

from __future__ import annotations

import json
import re

from tetrad.errors import SpecError
from tetrad.yamldoc.composer import Limits, refused
from tetrad.yamldoc.document import Collection, Document, Node, Span
from tetrad.yamldoc.parse import COMPONENT, MARK, decode
from tetrad.yamldoc.scalars import NumberRefused, resolve

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_PLAIN = re.compile(r"[-\w.+]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HINT = "correct it; comments, trailing commas and texts without quotes are not JSON"


def parse_json(data: bytes, origin: str, *, limits: Limits = COMPONENT) -> Document:
    """Read one JSON document; SpecError with one issue where it is refused."""
    text = decode(data, origin, limits)
    document = Document(origin, text, Node(None, 0, 0))
    try:
        # Numbers stay texts here: int() refuses long ones with an error that is not for users.
        json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        said = error.msg[0].lower() + error.msg[1:]
        raise _refuse(document, error.pos, "SCH100", f"invalid JSON: {said}", _HINT) from None
    except RecursionError:
        raise _too_deep(document, 0, limits) from None
    root = _Reader(document, limits).root()
    return Document(origin, text, root, anchors=False, marked=data.startswith(MARK))


class _Reader:
    """Nodes of a text that is known to be JSON."""

    def __init__(self, document: Document, limits: Limits) -> None:
        self._document = document
        self._text = document.text
        self._limits = limits
        self._count = 0

    def root(self) -> Node:
        return self._value(self._after_space(0), 1)

    def _value(self, at: int, depth: int) -> Node:
        self._count += 1
        if self._count > self._limits.max_nodes:
            message = f"the file has over {self._limits.max_nodes:,} values"
            raise self._refuse(at, "SCH101", message, "split it")
        if depth > self._limits.max_depth:
            raise _too_deep(self._document, at, self._limits)
        match self._text[at]:
            case "{":
                return self._object(at, depth)
            case "[":
                return self._array(at, depth)
            case '"':
                return self._string(at)
        return self._plain(at)

    def _object(self, at: int, depth: int) -> Node:
        node = Collection({}, at, at, flow=True)
        position = self._after_space(at + 1)
        while self._text[position] != "}":
            key = self._string(position)
            if key.value in node.keys:
                raise self._duplicate(node, key)
            colon = self._after_space(key.end)
            child = self._value(self._after_space(colon + 1), depth + 1)
            node.keys[key.value] = Span(key.start, key.end)
            node.children[key.value] = child
            node.value[key.value] = child.value
            position = self._after_comma(child.end)
        node.end = position + 1
        return node

    def _array(self, at: int, depth: int) -> Node:
        node = Collection([], at, at, flow=True)
        position = self._after_space(at + 1)
        while self._text[position] != "]":
            child = self._value(position, depth + 1)
            node.children[len(node.value)] = child
            node.value.append(child.value)
            position = self._after_comma(child.end)
        node.end = position + 1
        return node

    def _string(self, at: int) -> Node:
        written = _match(_STRING, self._text, at)
        if "\\" not in written:
            return Node(written[1:-1], at, at + len(written), '"')
        value = json.loads(written)
        if _SURROGATE.search(value):
            message = "an escape is half a character (a lone surrogate)"
            raise self._refuse(at, "SCH101", message, "write the character itself")
        return Node(value, at, at + len(written), '"')

    def _plain(self, at: int) -> Node:
        written = _match(_PLAIN, self._text, at)
        if written.endswith(("NaN", "Infinity")):
            raise self._refuse(at, "SCH105", f"{written} is not JSON", "write a number or null")
        try:
            return Node(resolve(written), at, at + len(written))
        except NumberRefused as error:
            hint = "write a number that is smaller, or a text in quotes"
            raise self._refuse(at, "SCH105", str(error), hint) from None

    def _after_space(self, at: int) -> int:
        return at + len(_match(_SPACE, self._text, at))

    def _after_comma(self, at: int) -> int:
        """Where the next entry begins, or what closes the collection stands."""
        position = self._after_space(at)
        return self._after_space(position + 1) if self._text[position] == "," else position

    def _duplicate(self, node: Node, key: Node) -> SpecError:
        first = self._document.location(node.keys[key.value].start)
        message = f"duplicate key {key.value!r}; the first is in line {first.line}"
        return self._refuse(key.start, "SCH102", message, "keep one of the two")

    def _refuse(self, at: int, code: str, message: str, hint: str) -> SpecError:
        return _refuse(self._document, at, code, message, hint)


def _match(pattern: re.Pattern[str], text: str, at: int) -> str:
    found = pattern.match(text, at)
    assert found is not None  # noqa: S101  # the text is JSON
    return found[0]


def _too_deep(document: Document, at: int, limits: Limits) -> SpecError:
    message = f"values are nested deeper than {limits.max_depth} levels"
    return _refuse(document, at, "SCH101", message, "flatten the value")


def _refuse(document: Document, at: int, code: str, message: str, hint: str) -> SpecError:
    return refused(document.location(at), code, message, hint)
