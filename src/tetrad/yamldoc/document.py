"""A file's values with the place of each of them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, repeat
from operator import add
from typing import Any, NamedTuple, TypeAlias

from tetrad.errors import Location
from tetrad.yamldoc.inside import PlaceWithin, place_within

Path: TypeAlias = "tuple[str | int, ...]"


class Span(NamedTuple):
    """Characters `start` to `end` of a document's text."""

    start: int
    end: int


_NO_NODES: dict[str | int, Node] = {}
_NO_KEYS: dict[str, Span] = {}


class Node:
    """A value with its place; a scalar, of which a golden set has a million, has nothing more."""

    __slots__ = ("end", "start", "style", "value")

    flow: bool = False
    children: dict[str | int, Node] = _NO_NODES
    keys: dict[str, Span] = _NO_KEYS

    def __init__(self, value: Any, start: int, end: int, style: str | None = None) -> None:
        self.value = value
        self.start = start
        self.end = end
        self.style = style  # of a scalar: None plain, ' " | >

    def walk(self) -> Iterator[Node]:
        """The node and all below it, each once however many aliases stand for it; in no order."""
        yield self
        seen = {id(self)}
        for collection in self.collections():
            for node in collection.children.values():
                if id(node) not in seen:
                    seen.add(id(node))
                    yield node

    def collections(self) -> Iterator[Node]:
        """Those of them that hold others."""
        left: list[Node] = [self]
        seen = {id(self)}
        while left:
            collection = left.pop()
            yield collection
            for node in collection.children.values():
                if node.children and id(node) not in seen:
                    seen.add(id(node))
                    left.append(node)


class Collection(Node):
    """A list or a mapping; `keys` and `children` of a mapping have the same names."""

    __slots__ = ("children", "flow", "keys")

    def __init__(self, value: Any, start: int, end: int, flow: bool = False) -> None:
        self.value = value
        self.start = start
        self.end = end
        self.style = None
        self.flow = flow
        self.children = {}
        self.keys = {}


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
        return line_starts(self.text)

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
        """The characters of the key of the value at a path; None where there is no such key."""
        if not path or not isinstance(path[-1], str):
            return None
        parent: Node | None = self.root
        for step in path[:-1]:
            parent = parent.children.get(step) if parent else None
        return parent.keys.get(path[-1]) if parent else None

    def within(self, path: Path, offset: int) -> Location:
        """The place of a character of a text value, or of the value where it cannot be told."""
        inside = self._insides.get(path)
        if inside is None:
            inside = self._insides[path] = place_within(self.text, self.node(path))
        return self.location(inside(offset))

    @cached_property
    def _insides(self) -> dict[Path, PlaceWithin]:
        return {}


def line_starts(text: str) -> list[int]:
    """Where the lines of a text begin; LF, CR or both end them."""
    if "\r" in text:
        return [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
    lines = text.split("\n")
    lines.pop()
    return [0, *accumulate(map(add, map(len, lines), repeat(1)))]


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
