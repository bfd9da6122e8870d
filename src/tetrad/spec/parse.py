"""Bytes to a tree with positions: YAML 1.2 in the part that every parser reads alike.

The tree is composed from libyaml's events, because PyYAML's own composer recurses in C and ends
the process on deeply nested input, keeps the last of two equal keys in silence, and resolves
scalars by YAML 1.1.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import yaml
from yaml import events

from tetrad.errors import Issue, Location, SpecError
from tetrad.spec.scalars import NumberRefused, resolve
from tetrad.spec.syntax import explain

_MARK = b"\xef\xbb\xbf"

Path: TypeAlias = "tuple[str | int, ...]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much of a file is read; aliases count as often as they are used."""

    max_bytes: int
    max_nodes: int
    max_depth: int = 32


COMPONENT = Limits(max_bytes=1_000_000, max_nodes=100_000)
GOLDEN_SET = Limits(max_bytes=16_000_000, max_nodes=2_000_000)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` of a document's text."""

    start: int
    end: int


@dataclass(slots=True)
class Node:
    """A value with its place; `keys` and `children` of a mapping have the same names."""

    value: Any
    start: int
    end: int
    style: str | None = None  # of a scalar: None plain, ' " | >
    flow: bool = False
    children: dict[str | int, Node] = field(default_factory=dict)
    keys: dict[str, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """A parsed file: plain values, and the place of each of them."""

    origin: str  # POSIX path from the repository's root
    text: str
    root: Node
    anchors: bool = False  # whether aliases were expanded
    marked: bool = False  # whether the file begins with a byte order mark

    def encoded(self) -> bytes:
        """The bytes of the file."""
        return ("\ufeff" if self.marked else "").encode() + self.text.encode()

    @property
    def value(self) -> Any:
        return self.root.value

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", self.text))]

    def location(self, offset: int) -> Location:
        """The place of a character of the text."""
        line = bisect_right(self._line_starts, offset)
        return Location(self.origin, line, offset - self._line_starts[line - 1] + 1)

    def node(self, path: Path) -> Node:
        """The node at a path, or the nearest one above it that is there."""
        node = self.root
        for step in path:
            child = node.children.get(step)
            if child is None:
                break
            node = child
        return node

    def at(self, path: Path) -> Location:
        """Where the value at a path begins."""
        return self.location(self.node(path).start)

    def key_at(self, path: Path) -> Location:
        """Where the key of a value begins; the value's own place in a list."""
        span = self.key_span(path)
        return self.at(path) if span is None else self.location(span.start)

    def span(self, path: Path) -> Span:
        """The characters of the value at a path."""
        node = self.node(path)
        return Span(node.start, node.end)

    def key_span(self, path: Path) -> Span | None:
        """The characters of the key of the value at a path."""
        if not path or not isinstance(path[-1], str):
            return None
        return self.node(path[:-1]).keys.get(path[-1])

    def within(self, path: Path, offset: int) -> Location:
        """The place of a character of a text value; exact for plain, quoted and literal texts
        without escapes, else of the line.
        """
        node = self.node(path)
        if node.style not in {"|", ">"}:
            inner = node.start + (1 if node.style else 0)
            exact = self.text[inner : inner + len(node.value)] == node.value
            return self.location(inner + offset if exact else node.start)
        before = node.value[:offset]
        line = self.location(node.start).line + 1 + before.count("\n")
        if line > len(self._line_starts):
            return self.location(node.start)
        start = self._line_starts[line - 1]
        column = offset - (before.rfind("\n") + 1)
        return Location(self.origin, line, self._indent(node, start) + column + 1)

    def _indent(self, node: Node, line_start: int) -> int:
        """How far a block scalar is indented: what its first line that has text has."""
        block = self.text[node.start : node.end].split("\n")[1:]
        first = next((line for line in block if line.strip()), "")
        content = next((line for line in node.value.split("\n") if line.strip()), "")
        return max(0, len(first) - len(content)) if line_start else 0


def parse(
    data: bytes, origin: str, *, limits: Limits = COMPONENT, anchors: bool = False
) -> Document:
    """Read one YAML document; SpecError with one issue where it is refused.

    `anchors` expands aliases and merge keys within the limits, as promptfoo's files need it.
    """
    text = _decode(data, origin, limits)
    composer = _Composer(text, origin, limits, anchors=anchors)
    return Document(origin, text, composer.compose(), anchors, data.startswith(_MARK))


def decode(data: bytes, origin: str, limits: Limits = COMPONENT) -> str:
    """The text of a file that is no YAML, under the same limits."""
    return _decode(data, origin, limits)


def _decode(data: bytes, origin: str, limits: Limits) -> str:
    if len(data) > limits.max_bytes:
        raise _refused(
            Location(origin),
            "SCH101",
            f"the file has {len(data):,} bytes; at most {limits.max_bytes:,} are read",
            "move long texts to files of their own (content: file://…), cases to .jsonl",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        byte = data[error.start]
        raise _refused(
            _end_of(before, origin),
            "SCH100",
            f"the file is not UTF-8: byte 0x{byte:02x} cannot be read",
            "save the file with the encoding UTF-8",
        ) from error
    if "\0" in text:
        place = _end_of(text[: text.index("\0")], origin)
        raise _refused(place, "SCH101", "the file holds a NUL character", "remove it")
    return text


def _end_of(text: str, origin: str) -> Location:
    lines = re.split(r"\r\n|\r|\n", text)
    return Location(origin, len(lines), len(lines[-1]) + 1)


def _refused(location: Location, code: str, message: str, hint: str, path: str = "$") -> SpecError:
    return SpecError([Issue(location=location, code=code, message=message, hint=hint, path=path)])


class _Composer:
    """Builds nodes from libyaml's events, within limits."""

    def __init__(self, text: str, origin: str, limits: Limits, *, anchors: bool) -> None:
        self._document = Document(origin, text, Node(None, 0, 0))
        self._limits = limits
        self._anchors_allowed = anchors
        self._anchors: dict[str, Node] = {}
        self._sizes: dict[int, int] = {}
        self._count = 0
        self._events: Iterator[Any] = iter(())

    def compose(self) -> Node:
        try:
            return self._compose()
        except yaml.MarkedYAMLError as error:
            raise self._syntax_error(error) from None
        except yaml.reader.ReaderError as error:
            character = (
                error.character if isinstance(error.character, int) else ord(error.character)
            )
            raise self._refuse(
                self._document.text.find(chr(character)),
                "SCH101",
                f"the file holds the control character U+{character:04X}",
                "remove it, or write it as an escape in double quotes",
            ) from None

    def _compose(self) -> Node:
        self._events = yaml.parse(self._document.text, Loader=yaml.CSafeLoader)
        next(self._events)  # the stream's start
        if isinstance(next(self._events), events.StreamEndEvent):
            return Node(None, 0, 0)
        root = self._node(next(self._events), 1)
        next(self._events)  # the document's end
        after: Any = next(self._events)
        if not isinstance(after, events.StreamEndEvent):
            raise self._refuse(
                after.start_mark.index,
                "SCH101",
                "the file holds several documents",
                "keep one document a file: remove the line ---",
            )
        return root

    def _node(self, event: Any, depth: int) -> Node:
        self._count += 1
        start = event.start_mark.index
        if self._count > self._limits.max_nodes:
            raise self._refuse(
                start, "SCH101", f"the file has over {self._limits.max_nodes:,} values", "split it"
            )
        if depth > self._limits.max_depth:
            raise self._refuse(
                start,
                "SCH101",
                f"values are nested deeper than {self._limits.max_depth} levels",
                "flatten the value",
            )
        if isinstance(event, events.AliasEvent):
            return self._alias(event)
        self._check_properties(event)
        before = self._count
        if isinstance(event, events.ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, events.SequenceStartEvent):
            node = self._sequence(event, depth)
        else:
            node = self._mapping(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
            self._sizes[id(node)] = self._count - before + 1
        return node

    def _check_properties(self, event: Any) -> None:
        start = event.start_mark.index
        if event.tag is not None:
            raise self._refuse(
                start,
                "SCH101",
                f"the tag {_written_tag(event.tag)} is not allowed",
                "write the value without a tag; quote it to make it a string",
            )
        if event.anchor is not None and not self._anchors_allowed:
            raise self._refuse(
                start,
                "SCH101",
                f"the anchor &{event.anchor} is not allowed",
                "write the value where it is used; prompts share keys by extends:",
            )

    def _alias(self, event: Any) -> Node:
        start = event.start_mark.index
        if not self._anchors_allowed:
            raise self._refuse(
                start, "SCH101", f"the alias *{event.anchor} is not allowed", "write the value here"
            )
        node = self._anchors.get(event.anchor)
        if node is None:
            raise self._refuse(
                start,
                "SCH101",
                f"the alias *{event.anchor} has no anchor before it",
                f"define it as &{event.anchor} above, outside of the value that uses it",
            )
        self._count += self._sizes[id(node)]
        return node

    def _scalar(self, event: Any) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        if event.style:
            return Node(event.value, start, end, event.style)
        try:
            value = resolve(event.value)
        except NumberRefused as error:
            raise self._refuse(
                start, "SCH105", str(error), "write a number that is smaller, or a text in quotes"
            ) from None
        return Node(value, start, end)

    def _sequence(self, event: Any, depth: int) -> Node:
        values: list[Any] = []
        node = Node(values, event.start_mark.index, event.end_mark.index, flow=event.flow_style)
        for item in self._events:
            if isinstance(item, events.SequenceEndEvent):
                self._close(node, item)
                break
            child = self._node(item, depth + 1)
            node.children[len(values)] = child
            values.append(child.value)
        return node

    def _mapping(self, event: Any, depth: int) -> Node:
        node = Node({}, event.start_mark.index, event.end_mark.index, flow=event.flow_style)
        merged: list[Node] = []
        for item in self._events:
            if isinstance(item, events.MappingEndEvent):
                self._close(node, item)
                break
            key = self._key(item)
            child = self._node(next(self._events), depth + 1)
            if key == "<<" and not item.style:
                merged.append(self._merge_source(item, child))
                continue
            if key in node.keys:
                raise self._duplicate(node, key, item)
            node.keys[key] = Span(item.start_mark.index, item.end_mark.index)
            node.children[key] = child
            node.value[key] = child.value
        for source in merged:
            self._merge(node, source)
        return node

    def _key(self, event: Any) -> str:
        """A key is its text: `on`, `1` and `null` are names here."""
        start = event.start_mark.index
        if isinstance(event, events.AliasEvent) or not isinstance(event, events.ScalarEvent):
            raise self._refuse(
                start,
                "SCH101",
                "a key must be a text, not a list, a mapping or an alias",
                "quote a value that begins with { or [, for example a template",
            )
        self._check_properties(event)
        return str(event.value)

    def _merge_source(self, event: Any, source: Node) -> Node:
        start = event.start_mark.index
        if not self._anchors_allowed:
            raise self._refuse(
                start,
                "SCH101",
                "the merge key << is not allowed",
                "write the keys out; prompts share keys by extends:",
            )
        parts = list(source.children.values()) if isinstance(source.value, list) else [source]
        if not all(isinstance(part.value, dict) for part in parts):
            raise self._refuse(start, "SCH101", "<< takes a mapping", "name one by its alias")
        return source

    def _merge(self, node: Node, source: Node) -> None:
        """Keys of the mapping itself win, then those of earlier sources."""
        parts = list(source.children.values()) if isinstance(source.value, list) else [source]
        for part in parts:
            for key, child in part.children.items():
                if key not in node.value:
                    node.keys[str(key)] = part.keys[str(key)]
                    node.children[key] = child
                    node.value[key] = child.value

    def _duplicate(self, node: Node, key: str, event: Any) -> SpecError:
        first = self._document.location(node.keys[key].start)
        return self._refuse(
            event.start_mark.index,
            "SCH102",
            f"the key {key!r} stands twice in this mapping; the first is in line {first.line}",
            "keep one of the two",
        )

    def _close(self, node: Node, end: Any) -> None:
        """A block collection ends with its last value, not where the next token begins."""
        if node.flow:
            node.end = end.end_mark.index
        elif node.children:
            last = next(reversed(node.children.values()))
            node.end = max(last.end, node.start)

    def _refuse(self, offset: int, code: str, message: str, hint: str) -> SpecError:
        return _refused(self._document.location(max(0, offset)), code, message, hint)

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> SpecError:
        mark: Any = error.problem_mark or error.context_mark
        offset = min(int(mark.index), len(self._document.text)) if mark else 0
        character = self._document.text[offset : offset + 1]
        code, message, hint = explain(error.problem or "", error.context or "", character)
        return self._refuse(offset, code, message, hint)


def _written_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def json_path(path: Sequence[str | int]) -> str:
    """A path as it is written in messages: `$.messages[0].content`."""
    written = "$"
    for step in path:
        if isinstance(step, int):
            written += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z_][\w-]*", step):
            written += f".{step}"
        else:
            written += f"[{step!r}]"
    return written


__all__ = [
    "COMPONENT",
    "GOLDEN_SET",
    "Document",
    "Limits",
    "Node",
    "Path",
    "Span",
    "decode",
    "json_path",
    "parse",
]
