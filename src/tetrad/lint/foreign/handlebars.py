"""Handlebars and Mustache, read into the template language that the rules know.

What a tag stands for has the tag's place; an output `{{name}}` is the same in both languages, and is
copied. Helpers that only the program knows count as outputs of what they are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, NoReturn

from tetrad.errors import Issue, Location, SpecError
from tetrad.lint.foreign.blocks import Messages
from tetrad.lint.foreign.mapped import ForeignMessage
from tetrad.lint.positions import Lines
from tetrad.yamldoc.document import Span

_TAG = re.compile(
    r"(?P<escaped>\\\{\{)"
    r"|(?P<comment>\{\{~?!--.*?--~?\}\}|\{\{~?!.*?\}\})"
    r"|\{\{\{\s*(?P<bare>[^{}]*?)\s*\}\}\}"
    r"|\{\{~?\s*(?P<mark>[#/^>&]?)\s*(?P<inner>[^{}]*?)\s*~?\}\}",
    re.DOTALL,
)
_OF_JINJA = re.compile(r"\{(?=[%#])")
_WORD = re.compile(
    r"\"[^\"]*\"|'[^']*'|\|(?P<names>[^|]*)\||(?P<key>\w+)=(?P<value>\"[^\"]*\"|'[^']*'|[^\s()]+)"
    r"|[^\s()]+"
)
_PATH = re.compile(r"(?P<up>(?:\.\./)*)(?P<path>this|\.|[A-Za-z_$][\w$-]*(?:[./][\w$-]+)*)")
_LITERALS = frozenset({"true", "false", "null", "undefined", "as"})
_OF_JINJA_WORDS = frozenset(
    {"and", "or", "not", "in", "is", "if", "else", "loop", "none", "true", "false", "self"}
)
_SILENT = frozenset({"history", "section", "media"})  # they write no text of their own


class _Frame(NamedTuple):
    """A block that is open."""

    name: str
    place: int
    context: str | None  # what names are looked up in; None: in the root
    bound: frozenset[str]  # names that the block gives


class HandlebarsReader:
    """Reads one template; `declared` are names that mean a variable wherever they stand."""

    def __init__(self, messages: Messages, origin: str, declared: frozenset[str]) -> None:
        self._messages = messages
        self._text = messages.text
        self._origin = origin
        self._declared = declared
        self._frames: list[_Frame] = []

    def read(self, start: int, roles: Sequence[tuple[Span, str, Span]] = ()) -> None:
        """Read to the end; `roles` are lines that say who speaks. SpecError for a broken template."""
        waiting = list(roles)
        position = start
        for tag in _TAG.finditer(self._text, start):
            self._until(position, tag.start(), waiting)
            self._tag(tag)
            position = tag.end()
        self._until(position, len(self._text), waiting)
        if self._frames:
            self._refuse(self._frames[-1].place, f"{{{{#{self._frames[-1].name}}}}} is not closed")

    def finished(self) -> list[ForeignMessage]:
        return self._messages.finished()

    def _until(self, position: int, end: int, waiting: list[tuple[Span, str, Span]]) -> None:
        """Text between tags, with the lines in it that begin a message."""
        while waiting and waiting[0][0].start < end:
            line, role, marker = waiting.pop(0)
            self._literal(position, line.start)
            self._messages.begin(role, marker)
            position = line.end
        self._literal(position, end)

    def _literal(self, start: int, end: int) -> None:
        """Text in which nothing is a tag, to Jinja2 neither."""
        unclosed = self._text.find("{{", start, end)
        if unclosed >= 0:
            self._refuse(unclosed, "this {{ is not closed")
        for match in _OF_JINJA.finditer(self._text, start, end):
            self._messages.copy(start, match.start())
            self._messages.write("(", *match.span())
            start = match.end()
        self._messages.copy(start, end)

    def _tag(self, tag: re.Match[str]) -> None:
        if tag["escaped"] is not None:
            self._messages.write("((", *tag.span())
        elif tag["comment"] is not None:
            self._messages.write("", *tag.span())
        elif tag["bare"] is not None:
            self._output(tag, tag["bare"])
        elif tag["mark"] == ">":
            self._reads(tag, self._declared | set(self._paths(tag["inner"].split()[1:])))
        elif tag["mark"] == "/":
            self._close(tag)
        elif tag["inner"] == "else" or (tag["mark"] == "^" and not tag["inner"]):
            self._write(tag, "{% else %}" if self._frames else "")
        elif tag["inner"].startswith("else "):
            _, *words = _words(tag["inner"].removeprefix("else ").strip())
            self._write(tag, f"{{% elif {self._condition(words)} %}}")
        elif tag["mark"] in {"#", "^"}:
            self._open(tag)
        else:
            self._output(tag, tag["inner"])

    def _open(self, tag: re.Match[str]) -> None:
        inner = tag["inner"]
        name, *words = _words(inner.lstrip(">* ")) or [""]
        if inner.startswith((">", "*")):  # a partial with a default, or one that is defined here
            words = ["true"]
        names = re.search(r"\bas\s*\|([^|]*)\|", tag["inner"])
        bound = frozenset(names[1].split()) if names else frozenset()
        context = self._context()
        opening, closing = f"{{% if {self._condition(words)} %}}", "{% endif %}"
        if tag["mark"] == "^" or name in {"unless", "unlessEquals"}:
            opening = f"{{% if not ({self._condition(words or [name])}) %}}"
        elif name == "with":
            context = next(self._paths(words), context)
        elif name == "each" or not words:
            items = next(self._paths(words or [name]), "false")
            item = names[1].split()[0] if names and bound else self._item()
            opening, closing = f"{{% for {item} in {items} %}}", "{% endfor %}"
            context = item
        known = frozenset().union(*(frame.bound for frame in self._frames))
        self._frames.append(_Frame(name, tag.start(), context, known | bound))
        self._write(tag, opening)
        self._messages.open(opening, closing, Span(tag.start(), tag.start()))

    def _close(self, tag: re.Match[str]) -> None:
        if not self._frames or self._frames[-1].name != tag["inner"]:
            opened = f"{{{{#{self._frames[-1].name}}}}} is open" if self._frames else "none is open"
            self._refuse(tag.start(), f"{tag[0]} closes no block: {opened}")
        self._frames.pop()
        self._write(tag, self._messages.close())

    def _output(self, tag: re.Match[str], inner: str) -> None:
        name, *words = _words(inner) or [""]
        if name == "role" and words:
            role = words[0].strip("\"'")
            at = Span(*tag.span())
            self._messages.begin({"model": "assistant"}.get(role, role), at)
        elif name in _SILENT and (words or name == "history"):
            self._reads(tag, self._paths(words))
        elif name == "json" and words:
            self._write(tag, "".join(f"{{{{ {path}|tojson }}}}" for path in self._paths(words[:1])))
        elif words:
            self._write(tag, "".join(f"{{{{ {path} }}}}" for path in self._paths(words)))
        else:
            path = next(self._paths([name]), None)
            if path == name and tag["bare"] is None and "~" not in tag[0] and not tag["mark"]:
                self._messages.copy(*tag.span())
            else:
                self._write(tag, "" if path is None else f"{{{{ {path} }}}}")

    def _reads(self, tag: re.Match[str], paths: Iterator[str] | frozenset[str]) -> None:
        """What is read and written nowhere that can be seen."""
        self._write(tag, "".join(f"{{% if {path} %}}{{% endif %}}" for path in sorted(paths)))

    def _write(self, tag: re.Match[str], text: str) -> None:
        self._messages.write(text, *tag.span())

    def _condition(self, words: Sequence[str]) -> str:
        return " and ".join(self._paths(words)) or "true"

    def _paths(self, words: Sequence[str]) -> Iterator[str]:
        """What words name, as it is reached in the template."""
        for word in words:
            match = _PATH.fullmatch(word)
            if match is None or word in _LITERALS:
                continue
            if match["path"] in {"this", "."} and not self._context():
                yield from sorted(map(_named, self._declared))  # all that is given
            else:
                yield self._resolved(match["path"].replace("/", "."), match["up"].count("../"))

    def _resolved(self, path: str, up: int) -> str:
        frames = self._frames[: len(self._frames) - up] if up else self._frames
        context = frames[-1].context if frames else None
        bound = frames[-1].bound if frames else frozenset()
        first, *rest = path.split(".") if path != "." else ["this"]
        if first == "this" or path == ".":
            steps = [context, *rest] if context else rest or ["this"]
            return ".".join(map(_named, steps))
        if context is None or first in bound or first in self._declared:
            return ".".join(map(_named, [first, *rest]))
        return ".".join([context, *map(_named, [first, *rest])])

    def _context(self) -> str | None:
        return self._frames[-1].context if self._frames else None

    def _item(self) -> str:
        """The name of a loop's item, as Handlebars calls it; of a loop within another, by its depth."""
        depth = sum(frame.context is not None for frame in self._frames)
        return f"this{depth + 1}" if depth else "this"

    def _refuse(self, offset: int, message: str) -> NoReturn:
        line, column = Lines(self._text).position(offset)
        location = Location(self._origin, line, column)
        raise SpecError([Issue(location=location, code="TPL201", message=message)])


def _words(inner: str) -> list[str]:
    """The words of a tag; of `key=value` the value, no names that a block gives, and no helpers
    that are called for a value.
    """
    return [
        match["value"] or match[0]
        for match in _WORD.finditer(inner)
        if match["names"] is None and not inner[: match.start()].endswith("(")
    ]


def _named(step: str) -> str:
    """A name that Jinja2 takes."""
    name = re.sub(r"\W", "_", step)
    return f"{name}_" if name in _OF_JINJA_WORDS else name
