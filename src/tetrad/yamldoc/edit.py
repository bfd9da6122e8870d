"""Edits of a document's text that keep every comment and all other values.

Each edit gives the edited document, parsed again; it refuses with ValueError where the result would
not be exactly what was asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from tetrad.canonical import Json
from tetrad.errors import SpecError
from tetrad.yamldoc.parse import GOLDEN_SET, Document, Node, Path, Span, parse
from tetrad.yamldoc.scalars import resolve

_INDENT = "  "
# What no version of YAML reads as anything but this text.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9./@_-]+)*")
_YAML_1_1_WORDS = frozenset({"y", "n", "yes", "no", "on", "off"})


def replace(document: Document, span: Span, text: str) -> Document:
    """The document with other characters at a span."""
    edited = document.text[: span.start] + text + document.text[span.end :]
    return _parsed(document, edited)


def set_value(document: Document, path: Path, value: Json) -> Document:
    """The document with a value at a path; missing keys are added at the end of their mapping.

    A mapping is edited key by key, so that comments between its keys stay.
    """
    edited = _set(document, path, value)
    return _verified(edited, _with(document.value, path, value))


def remove(document: Document, path: Path) -> Document:
    """The document without the key and value at a path; comments on lines of their own stay."""
    parent = document.node(path[:-1])
    key = document.key_span(path)
    if key is None:
        raise ValueError(f"there is no key at {path}")
    wanted = _without(document.value, path)
    if len(parent.children) == 1:
        edited = replace(document, Span(parent.start, parent.end), "{}")
    elif parent.flow:
        edited = replace(document, _flow_entry(parent, str(path[-1])), "")
    else:
        end = _line_end(document.text, document.node(path).end)
        edited = replace(document, Span(_line_start(document.text, key.start), end), "")
    return _verified(edited, wanted)


def append(document: Document, items: Sequence[Mapping[str, Json]]) -> Document:
    """The document, a list, with mappings at its end; comments and all other items stay."""
    if not isinstance(document.value, list):
        message = f"{document.origin} is not a list, so nothing can be appended; do it by hand"
        raise ValueError(message)  # noqa: TRY004 - of the file
    wanted = [*document.value, *items]
    root, newline = document.root, _newline(document)
    if root.flow and document.value:
        raise ValueError(f"{document.origin} is a list in brackets; do it by hand")
    if not document.value:
        lines = newline.join(_item(item, "", newline) for item in items)
        return _verified(replace(document, Span(root.start, root.end), lines), wanted)
    indent = " " * _dash_column(document)
    at = _line_end(document.text, max(child.end for child in root.children.values()))
    before = "" if document.text[:at].endswith(("\n", "\r")) else newline
    lines = "".join(_item(item, indent, newline) + newline for item in items)
    return _verified(replace(document, Span(at, at), before + lines), wanted)


def _dash_column(document: Document) -> int:
    """Where the first item's dash stands."""
    first = document.root.children[0].start
    dash = document.text.rindex("-", 0, first)
    return _column(document.text, dash)


def _item(item: Mapping[str, Json], indent: str, newline: str) -> str:
    lines = _block(item, f"{indent}{_INDENT}", newline)
    return f"{indent}- {lines.removeprefix(indent + _INDENT)}"


def _set(document: Document, path: Path, value: Json) -> Document:
    depth = _existing(document.root, path)
    if depth < len(path):
        return _insert(document, path[:depth], path[depth:], value)
    node = document.node(path)
    if isinstance(value, Mapping) and value and isinstance(node.value, dict) and node.children:
        return _update(document, path, value)
    if node.value == value and type(node.value) is type(value):
        return document
    return _replace_node(document, path, value)


def _update(document: Document, path: Path, value: Mapping[str, Json]) -> Document:
    """A mapping becomes another: new keys first, so that it is never empty in between."""
    for key, item in value.items():
        document = _set(document, (*path, key), item)
    for key in [key for key in document.node(path).keys if key not in value]:
        document = remove(document, (*path, key))
    return document


def _replace_node(document: Document, path: Path, value: Json) -> Document:
    node = document.node(path)
    if node.style in {"|", ">"} or (isinstance(node.value, dict | list) and not node.flow):
        # Block values end with their line; what follows stays on a line of its own.
        end = len(document.text[: node.end].rstrip("\r\n"))
        span = Span(node.start, max(end, node.start))
    else:
        span = Span(node.start, node.end)
    inside_flow = any(document.node(path[:n]).flow for n in range(len(path)))
    if isinstance(value, Mapping) and value and not inside_flow and not node.flow:
        key = document.key_span(path)
        indent = _column(document.text, key.start) if key else 0
        lines = _block(value, " " * indent + _INDENT, _newline(document))
        start = len(document.text[: span.start].rstrip(" "))
        return replace(document, Span(start, span.end), _newline(document) + lines)
    written = _written(value, node.style)
    glued = span.start > 0 and document.text[span.start - 1] in ":-"
    return replace(document, span, f" {written}" if glued else written)


def _insert(document: Document, parent_path: Path, missing: Path, value: Json) -> Document:
    """Add a key to the mapping at a path; further missing keys become mappings."""
    for key in reversed(missing[1:]):
        value = {str(key): value}
    parent, key = document.node(parent_path), str(missing[0])
    if not isinstance(parent.value, dict | None):
        raise ValueError(f"there is no mapping at {parent_path}")  # noqa: TRY004 - of the file
    if not parent.children:
        return _replace_node(document, parent_path, {key: value})
    if parent.flow or any(document.node(parent_path[:n]).flow for n in range(len(parent_path))):
        entry = f", {_scalar(key, flow=True)}: {_in_flow(value)}"
        last = max(child.end for child in parent.children.values())
        return replace(document, Span(last, last), entry)
    newline = _newline(document)
    indent = " " * _column(document.text, next(iter(parent.keys.values())).start)
    at = _line_end(document.text, max(child.end for child in parent.children.values()))
    before = "" if document.text[:at].endswith(("\n", "\r")) else newline
    entry = _block({key: value}, indent, newline)
    return replace(document, Span(at, at), f"{before}{entry}{newline}")


def _block(value: Mapping[str, Json], indent: str, newline: str) -> str:
    lines = []
    for key, item in value.items():
        name = _scalar(key, flow=False)
        if isinstance(item, Mapping) and item:
            nested = _block(item, indent + _INDENT, newline)
            lines.append(f"{indent}{name}:{newline}{nested}")
        else:
            lines.append(f"{indent}{name}: {_written(item, None)}")
    return newline.join(lines)


def _written(value: Json, style: str | None) -> str:
    """A value in flow style; a text keeps the kind of quotes that it had."""
    if isinstance(value, str):
        if style == "'" and value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        return _quoted(value) if style == '"' else _scalar(value, flow=False)
    if isinstance(value, Mapping):
        entries = (f"{_scalar(k, flow=True)}: {_in_flow(v)}" for k, v in value.items())
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_in_flow(item) for item in value) + "]"
    return json.dumps(value)


def _in_flow(value: Json) -> str:
    return _scalar(value, flow=True) if isinstance(value, str) else _written(value, None)


def _scalar(text: str, *, flow: bool) -> str:
    plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _YAML_1_1_WORDS
    # Braces end a plain text in flow style, and a colon in it confuses readers.
    if plain and resolve(text) == text and not (flow and ":" in text):
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    """A JSON string is a double-quoted text, once what YAML calls unprintable is escaped."""
    written = json.dumps(text, ensure_ascii=False)
    return re.sub(
        r"[\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029]",
        lambda match: f"\\u{ord(match[0]):04x}",
        written,
    )


def _flow_entry(parent: Node, name: str) -> Span:
    """An entry of a flow mapping with one of the commas beside it."""
    names = list(parent.keys)
    number = names.index(name)
    start, end = parent.keys[name].start, parent.children[name].end
    if number + 1 < len(names):
        return Span(start, parent.keys[names[number + 1]].start)
    previous = parent.children[names[number - 1]].end
    return Span(previous, max(start, end))


def _existing(node: Node, path: Path) -> int:
    for depth, step in enumerate(path):
        if step not in node.children:
            return depth
        node = node.children[step]
    return len(path)


def _newline(document: Document) -> str:
    return "\r\n" if "\r\n" in document.text else "\n"


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _line_end(text: str, offset: int) -> int:
    """The start of the next line, or the end of the text; an offset at a line's start stays."""
    if offset and text[offset - 1] in "\r\n":
        return offset
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def _column(text: str, offset: int) -> int:
    return offset - _line_start(text, offset)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _with(value: Any, path: Path, new: Json) -> Any:
    if not path:
        return new
    step: Any = path[0]
    if isinstance(value, list):
        return [*value[:step], _with(value[step], path[1:], new), *value[step + 1 :]]
    known = value if isinstance(value, dict) else {}
    return {**known, step: _with(known.get(step), path[1:], new)}


def _without(value: Any, path: Path) -> Any:
    copied = deepcopy(value)
    _at(copied, path[:-1]).pop(path[-1], None)
    return copied


def _parsed(document: Document, text: str) -> Document:
    try:
        edited = parse(text.encode(), document.origin, limits=GOLDEN_SET, anchors=document.anchors)
    except SpecError as error:
        raise ValueError(f"{document.origin} cannot be edited here by itself: {error}") from error
    return Document(edited.origin, edited.text, edited.root, edited.anchors, document.marked)


def _verified(edited: Document, wanted: Json) -> Document:
    if edited.value != _plain(wanted):
        raise ValueError(f"{edited.origin} cannot be edited here by itself; do it by hand")
    return edited


def _plain(value: Json) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
