"""The YAML between the first lines `---` of a file, at its place, and the text that follows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tetrad.errors import Issue, SpecError
from tetrad.yamldoc.document import Document, Node, Path, Span
from tetrad.yamldoc.parse import parse

# A licence may stand before it, in comments.
_FENCED = re.compile(
    r"\A(?:[ \t]*(?:#[^\r\n]*)?\r?\n)*(---[ \t]*\r?\n)(.*?)^---[ \t]*(?:\r?\n|\Z)",
    re.MULTILINE | re.DOTALL,
)
_NOT_BREAK = re.compile(r"[^\r\n]")


class FrontMatter(NamedTuple):
    """What a file says before its text; `start` is None where it says nothing."""

    document: Document
    start: int | None
    body: int

    @property
    def value(self) -> Mapping[str, Any]:
        return self.document.value if isinstance(self.document.value, dict) else {}

    def get(self, *path: str) -> Any:
        """The value at a path; None where it is not there."""
        value: Any = self.value
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        return value

    def key(self, path: Path) -> Span:
        """Where the key of a value stands; the value where it has none."""
        return self.document.key_span(path) or self.document.span(path)

    def node(self, path: Path) -> Node:
        return self.document.node(path)

    def entries(self, *path: str) -> Iterator[tuple[str, Path]]:
        """Names with the paths to what is said of them: of a mapping, or a list of `name:`."""
        value = self.get(*path)
        if isinstance(value, dict):
            yield from ((name, (*path, name)) for name in value)
        for number, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, dict) and isinstance(item.get("name"), str):
                yield item["name"], (*path, number)

    def at(self, path: Path) -> Any:
        value: Any = self.value
        for step in path:
            value = value[step]
        return value


def front_matter(text: str, origin: str) -> FrontMatter:
    """The front matter of a text, empty where there is none; SpecError where it is no YAML mapping."""
    found = _FENCED.match(text)
    if found is None:
        return FrontMatter(parse(b"", origin), None, 0)
    # What stands before it is blank, so that every place is the file's own.
    blank = _NOT_BREAK.sub(" ", text[: found.start(2)])
    document = parse((blank + found[2]).encode(), origin, anchors=True)
    if not isinstance(document.value, dict | None):
        message = "the front matter must be a mapping"
        location = document.location(found.start(2))
        raise SpecError([Issue(location=location, message=message, hint="write key: value")])
    return FrontMatter(document, found.start(2), found.end())
