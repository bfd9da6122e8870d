"""`{% include "rules.md" %}` in a message: the file's text in its place, as it is loaded.

A template that is rendered reads no files. What is included counts as if it stood in the message:
for the prompt's digest, and for all that is checked. Where each part came from is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from tetrad.canonical import with_lf
from tetrad.errors import Issue, Location, SpecError
from tetrad.loading.context import Context
from tetrad.model import Piece
from tetrad.templates.reading import problems_of
from tetrad.yamldoc.parse import decode

Place: TypeAlias = "Callable[[int], Location]"  # of a character of a text

MAX_CHARS = 1_000_000  # of a message with all that it includes
MAX_FILES = 1_000  # included in one message, each time counted
_INCLUDES = r"""(?xs)
    \{\#.*?\#\}
    | \{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}
    | \{%(?P<before>[-+]?)\s*include\s+(?P<quote>["'])(?P<name>[^"'\n]+)(?P=quote)
      (?:\s+with\s+context)?\s*(?P<after>[-+]?)%\}"""


def with_includes(
    text: str, file: str, place: Place, context: Context
) -> tuple[str, tuple[Piece, ...]]:
    """A text with what it includes; no pieces where it includes nothing."""
    if "include" not in text:
        return text, ()
    expansion = _Expansion(context, file)
    expansion.add(text, file, place)
    pieces = tuple(expansion.pieces)
    return ("".join(expansion.texts), pieces) if expansion.files else (text, ())


class _Expansion:
    """One message as it grows."""

    def __init__(self, context: Context, file: str) -> None:
        self.texts: list[str] = []
        self.pieces: list[Piece] = []
        self.files = 0
        self._context = context
        self._length = 0
        self._under_way = [file]

    def add(self, text: str, file: str, place: Place) -> None:
        done = 0
        for tag in re.finditer(_INCLUDES, text):
            if tag["name"] is None:
                continue  # a comment, or what is written as it is
            before = text[done : tag.start()]
            self._write(before.rstrip() if tag["before"] == "-" else before, done, file, text)
            done = tag.end()
            if tag["after"] == "-":
                done += len(text[done:]) - len(text[done:].lstrip())
            self._include(tag["name"], file, place(tag.start("name")))
        self._write(text[done:], done, file, text)

    def _write(self, part: str, start: int, file: str, text: str) -> None:
        if part:
            self.pieces.append(Piece(self._length, file, text, start))
            self.texts.append(part)
            self._length += len(part)

    def _include(self, name: str, origin: str, at: Location) -> None:
        self.files += 1
        if self.files > MAX_FILES:
            if self.files == MAX_FILES + 1:
                self._refuse(at, f"this message includes more than {MAX_FILES:,} files")
            return
        found = self._context.included(origin, at, name)
        if found is None:
            return
        file, data = found
        if file in self._under_way:
            loop = " → ".join([*self._under_way, file])
            self._refuse(at, f"this include leads back here: {loop}", "remove one of them")
            return
        text = self._decoded(file, data)
        if text is None:
            return
        if self._length + len(text) > MAX_CHARS:
            self._refuse(at, f"with this file, the message is over {MAX_CHARS:,} characters long")
            return
        self._under_way.append(file)
        self.add(text, file, lambda offset: place_in(file, text, offset))
        self._under_way.pop()

    def _decoded(self, file: str, data: bytes) -> str | None:
        """The text, without its last line break, if it is a whole template by itself."""
        try:
            text = decode(with_lf(data), file).removesuffix("\n")
        except SpecError as error:
            self._context.report(*error.issues)
            return None
        broken = [problem for problem in problems_of(text) if problem.code == "TPL201"]
        for problem in broken:
            location = Location(file, problem.line, problem.column)
            self._context.report(
                Issue(
                    location=location,
                    message=problem.message,
                    hint=problem.hint,
                    code=problem.code,
                    blocks="judge",
                )
            )
        return None if broken else text

    def _refuse(
        self, at: Location, message: str, hint: str = "include less, or write the text once"
    ) -> None:
        self._context.report(Issue(location=at, code="SCH107", message=message, hint=hint))


def place_in(file: str, text: str, offset: int) -> Location:
    """The place of a character of a file's text."""
    line = text.count("\n", 0, offset) + 1
    return Location(file, line, offset - text.rfind("\n", 0, offset))
