"""Nodes from libyaml's events, within limits.

PyYAML's own composer recurses in C and ends the process on deeply nested input, keeps the last of
two equal keys in silence, and resolves scalars by YAML 1.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml  # noqa: TID251 - its events are composed here, for tetrad.yamldoc.parse
from yaml.events import (  # noqa: TID251
    AliasEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from tetrad.errors import Issue, Location, SpecError
from tetrad.text import shorten
from tetrad.yamldoc.document import Collection, Document, Node, Span
from tetrad.yamldoc.scalars import NumberRefused, resolve
from tetrad.yamldoc.syntax_errors import Complaint, explain


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much of a file is read; aliases count as often as they are used."""

    max_bytes: int
    max_nodes: int
    max_depth: int = 32


def refused(location: Location, code: str, message: str, hint: str) -> SpecError:
    return SpecError([Issue(location=location, code=code, message=message, hint=hint)])


_new_node = Node.__new__


class _Anchor(NamedTuple):
    node: Node
    size: int  # values in it, itself included
    height: int  # levels below it


class Composer:
    """Builds nodes from libyaml's events, within limits."""

    def __init__(
        self, text: str, origin: str, limits: Limits, *, anchors: bool, bare_keys: bool = False
    ) -> None:
        self._document = Document(origin, text, Node(None, 0, 0))
        self._anchors_allowed = anchors
        self._bare_keys = bare_keys
        self._anchors: dict[str, _Anchor] = {}
        self._most_nodes, self._most_depth = limits.max_nodes, limits.max_depth
        self._count = 0
        self._deepest = 0
        self._next: Callable[[], Any] = lambda: None

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
                f"the file contains the control character U+{character:04X}",
                "remove it, or write it as an escape in double quotes",
            ) from None

    def _compose(self) -> Node:
        self._next = yaml.CSafeLoader(self._document.text).get_event
        self._next()  # the stream's start
        if isinstance(self._next(), StreamEndEvent):
            return Node(None, 0, 0)
        root = self._node(self._next(), 1)
        self._next()  # the document's end
        after: Any = self._next()
        if not isinstance(after, StreamEndEvent):
            raise self._refuse(
                after.start_mark.index,
                "SCH101",
                "the file contains several documents",
                "keep one document a file: remove the line ---",
            )
        return root

    def _node(self, event: Any, depth: int) -> Node:
        self._count += 1
        if self._count > self._most_nodes or depth > self._most_depth:
            raise self._over_limit(event)
        if event.anchor is not None:
            return self._named(event, depth)
        if event.tag is not None:
            raise self._tagged(event)
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        self._deepest = max(self._deepest, depth)
        if kind is SequenceStartEvent:
            return self._sequence(event, depth)
        return self._mapping(event, depth)

    def _scalar(self, event: Any) -> Node:
        node = _new_node(Node)  # what Node() does, in less time
        node.start, node.end = event.start_mark.index, event.end_mark.index
        node.style = style = event.style or None
        if style is not None:
            node.value = event.value
            return node
        try:
            node.value = resolve(event.value)
        except NumberRefused as error:
            raise self._number_refused(event, error) from None
        return node

    def _over_limit(self, event: Any) -> SpecError:
        start = event.start_mark.index
        if self._count > self._most_nodes:
            message = f"the file has over {self._most_nodes:,} values"
            return self._refuse(start, "SCH101", message, "split it")
        message = f"values are nested deeper than {self._most_depth} levels"
        return self._refuse(start, "SCH101", message, "flatten the value")

    def _named(self, event: Any, depth: int) -> Node:
        if type(event) is AliasEvent:
            return self._alias(event, depth)
        return self._anchored(event, depth)

    def _anchored(self, event: Any, depth: int) -> Node:
        """A value with a name; how large and deep it is counts wherever it is used."""
        if not self._anchors_allowed:
            raise self._refuse(
                event.start_mark.index,
                "SCH101",
                f"the anchor &{event.anchor} is not allowed",
                "write the value where it is used; prompts share keys by extends:",
            )
        name, event.anchor = event.anchor, None
        self._count -= 1
        before, outer, self._deepest = self._count, self._deepest, depth
        node = self._node(event, depth)
        self._anchors[name] = _Anchor(node, self._count - before, self._deepest - depth)
        self._deepest = max(outer, self._deepest)
        return node

    def _tagged(self, event: Any) -> SpecError:
        return self._refuse(
            event.start_mark.index,
            "SCH101",
            f"the tag {_written_tag(event.tag)} is not allowed",
            "write the value without a tag; quote it to make it a string",
        )

    def _alias(self, event: Any, depth: int) -> Node:
        start = event.start_mark.index
        if not self._anchors_allowed:
            raise self._refuse(
                start, "SCH101", f"the alias *{event.anchor} is not allowed", "write the value here"
            )
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            raise self._refuse(
                start,
                "SCH101",
                f"the alias *{event.anchor} has no anchor before it",
                f"define it as &{event.anchor} above, outside of the value that uses it",
            )
        self._count += anchor.size - 1
        self._deepest = max(self._deepest, depth + anchor.height)
        if self._count > self._most_nodes or self._deepest > self._most_depth:
            raise self._over_limit(event)
        return anchor.node

    def _number_refused(self, event: Any, error: NumberRefused) -> SpecError:
        hint = "write a number that is smaller, or a text in quotes"
        return self._refuse(event.start_mark.index, "SCH105", str(error), hint)

    def _collection(self, value: Any, event: Any) -> Collection:
        return Collection(value, event.start_mark.index, event.end_mark.index, event.flow_style)

    def _sequence(self, event: Any, depth: int) -> Node:
        values: list[Any] = []
        node = self._collection(values, event)
        children, below = node.children, depth + 1
        next_event, node_of = self._next, self._node
        while type(item := next_event()) is not SequenceEndEvent:
            child = node_of(item, below)
            children[len(values)] = child
            values.append(child.value)
        self._close(node, item)
        return node

    def _mapping(self, event: Any, depth: int) -> Node:
        values: dict[str, Any] = {}
        node = self._collection(values, event)
        keys, children, below, flow = node.keys, node.children, depth + 1, node.flow
        merged: list[Node] = []
        next_event, key_of, node_of = self._next, self._key, self._node
        new_span = tuple.__new__  # what Span does, at half the price
        while type(item := next_event()) is not MappingEndEvent:
            key = key_of(item)
            child = node_of(next_event(), below)
            value = child.value
            if value is None and flow and self._lacks_colon(item, child):
                raise self._cut_by_comma(item, key)
            if key == "<<" and not item.style:
                merged.append(self._merge_source(item, child))
                continue
            if key in keys:
                raise self._duplicate(node, key, item)
            keys[key] = new_span(Span, (item.start_mark.index, item.end_mark.index))
            children[key] = child
            values[key] = value
        self._close(node, item)
        for source in merged:
            self._merge(node, source)
        return node

    def _key(self, event: Any) -> str:
        """A key is its text: `on`, `1` and `null` are names here."""
        start = event.start_mark.index
        if type(event) is not ScalarEvent:
            raise self._refuse(
                start,
                "SCH101",
                "a key must be a text, not a list, a mapping or an alias",
                "quote a value that begins with { or [, for example a template",
            )
        if event.tag is not None:
            raise self._tagged(event)
        if event.anchor is not None:
            self._anchored(event, 1)
        key: str = event.value
        if not event.style and key.startswith("\u00a0"):
            raise self._refuse(
                start,
                "SCH100",
                "no-break space (U+00A0) in the indentation",
                "indent with spaces",
            )
        return key

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

    def _lacks_colon(self, key: Any, value: Node) -> bool:
        """Whether a key in braces stands alone, which YAML takes for a key whose value is null."""
        if self._bare_keys:
            return False
        end = key.end_mark.index
        # an alias's value stands before its key
        return value.start >= end and ":" not in self._document.text[end : value.end]

    def _cut_by_comma(self, event: Any, key: str) -> SpecError:
        # Nearly always the rest of a text: `{question: Where is it, please?}` would lose its end
        # without a word, and the case would ask something else.
        return self._refuse(
            event.start_mark.index,
            "SCH101",
            f"{shorten(key, 60)!r} has no value",
            "a comma in braces ends the text before it: quote the whole text, or write key: value",
        )

    def _duplicate(self, node: Node, key: str, event: Any) -> SpecError:
        first = self._document.location(node.keys[key].start)
        return self._refuse(
            event.start_mark.index,
            "SCH102",
            f"duplicate key {key!r}; the first is in line {first.line}",
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
        return refused(self._document.location(max(0, offset)), code, message, hint)

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> SpecError:
        marks: list[Any] = [error.problem_mark, error.context_mark]
        if "could not find expected ':'" in (error.problem or ""):
            marks.reverse()  # where the key begins, not where libyaml gave up
        mark = marks[0] or marks[1]
        text = self._document.text
        complaint = Complaint(
            problem=error.problem or "",
            context=error.context or "",
            at=min(int(mark.index), len(text)) if mark else 0,
        )
        scalar = _last_scalar(text)
        if scalar is not None:
            complaint = complaint._replace(
                scalar_start=scalar.start_mark.index,
                scalar_end=scalar.end_mark.index,
                scalar_style=scalar.style or None,
            )
        return self._refuse(*explain(text, complaint))


def _last_scalar(text: str) -> Any:
    """The event of the last scalar before libyaml stops; None where there is none."""
    last = None
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            last = event if isinstance(event, ScalarEvent) else last
    except yaml.MarkedYAMLError:
        return last
    return last


def _written_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
