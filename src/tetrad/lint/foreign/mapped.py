"""A converted document: values of our own kind, each with its place in the file it came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tetrad.canonical import Json
from tetrad.errors import Location
from tetrad.yamldoc.document import Collection, Document, Node, Path, Span


@dataclass(frozen=True)
class MappedDocument(Document):
    """A document whose messages need not stand in the file as they are.

    `comments_at` is where the file takes a line with a comment; None where it takes none.
    """

    contents: Mapping[Path, ForeignMessage] = field(default_factory=dict)
    comments_at: int | None = None

    def within(self, path: Path, offset: int) -> Location:
        message = self.contents.get(path)
        if message is None:
            return super().within(path, offset)
        return self.location(message.source(offset))


class _Piece(NamedTuple):
    start: int  # in the content
    source: int  # in the file
    exact: bool  # whether its characters stand in the file as they are


class ForeignMessage:
    """A message that is put together from pieces of a file and what stands for others."""

    def __init__(self, role: str, marker: Span) -> None:
        self.role = role
        self.marker = marker  # where the file says who speaks
        self._texts: list[str] = []
        self._pieces: list[_Piece] = []
        self._length = 0
        self._end = marker.end

    @property
    def content(self) -> str:
        return "".join(self._texts)

    def copy(self, text: str, start: int, end: int) -> None:
        """Characters of the file."""
        self._add(text[start:end], start, end, exact=True)

    def write(self, text: str, start: int, end: int) -> None:
        """What stands for characters of the file."""
        self._add(text, start, end, exact=False)

    def _add(self, text: str, start: int, end: int, *, exact: bool) -> None:
        if text:
            self._pieces.append(_Piece(self._length, start, exact))
            self._texts.append(text)
            self._length += len(text)
        self._end = end

    def source(self, offset: int) -> int:
        """Where a character of the content comes from."""
        if offset >= self._length or not self._pieces:
            return self._end
        piece = self._pieces[bisect_right(self._pieces, offset, key=lambda p: p.start) - 1]
        return piece.source + (offset - piece.start if piece.exact else 0)

    def node(self) -> Node:
        """The message as our file would hold it."""
        content = self.content
        start = self.source(0)
        role = Node(self.role, self.marker.start, self.marker.end)
        text = Node(content, start, max(self._end, start))
        keys = {"role": self.marker, "content": self.marker}
        return mapping({"role": role, "content": text}, keys, self.marker.start, text.end)


def mapping(children: Mapping[str, Node], keys: Mapping[str, Span], start: int, end: int) -> Node:
    node = Collection({name: child.value for name, child in children.items()}, start, end)
    node.children = dict(children.items())
    node.keys = dict(keys)
    return node


def listing(items: list[Node], start: int, end: int) -> Node:
    node = Collection([item.value for item in items], start, end)
    node.children = dict(enumerate(items))
    return node


def placed(value: Json, span: Span) -> Node:
    """A value that has one place for all that is in it."""
    if isinstance(value, dict):
        children = {name: placed(item, span) for name, item in value.items()}
        return mapping(children, dict.fromkeys(value, span), *span)
    if isinstance(value, list):
        return listing([placed(item, span) for item in value], *span)
    return Node(value, *span)
