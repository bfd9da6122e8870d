"""What a rule sees: the files of one tree, what they say, and where each part of them stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from tetrad.errors import Issue
from tetrad.lint.finding import Place
from tetrad.lint.positions import Keys, Lines, Range
from tetrad.lint.suppressions import Suppression
from tetrad.model import Model, Prompt, PromptMessage, Repository, Stack, Waiver
from tetrad.schemas.kinds import Kind
from tetrad.text import lines_of
from tetrad.yamldoc.parse import Document, Path


class Part(NamedTuple):
    """A value of a document with the path to it; nothing is known of its type yet."""

    document: Document
    path: Path
    value: Any

    @property
    def file(self) -> str:
        return self.document.origin

    def get(self, *steps: str | int) -> Part | None:
        """The part below, or None where it is not there."""
        value, path = self.value, self.path
        for step in steps:
            if step not in _steps(value):
                return None
            value, path = value[step], (*path, step)
        return Part(self.document, path, value)

    def parts(self) -> Iterator[Part]:
        """The entries of a mapping or the items of a list; nothing for a scalar."""
        for step in _steps(self.value):
            yield Part(self.document, (*self.path, step), self.value[step])

    def walk(self) -> Iterator[Part]:
        """The part and all below it."""
        yield self
        for part in self.parts():
            yield from part.walk()

    @property
    def text(self) -> str | None:
        return self.value if isinstance(self.value, str) else None


def _steps(value: Any) -> Collection[str | int]:
    """By what the values in a mapping or list are reached."""
    if isinstance(value, dict):
        return value.keys()
    return range(len(value)) if isinstance(value, list) else ()


class SuppressionLog(NamedTuple):
    """What suppressions did: the rules that look at them run after all others."""

    codes: Mapping[str, str] = {}  # of all rules there are, by name
    sealed: frozenset[str] = frozenset()  # names of those that no comment lifts
    ran: frozenset[str] = frozenset()  # codes of those that ran
    used: frozenset[tuple[Suppression, str]] = frozenset()
    used_waivers: frozenset[Waiver] = frozenset()


class CountTokens(Protocol):
    """Counts the tokens of a text for a model, and says whether the count is exact."""

    def __call__(self, model: Model, text: str) -> tuple[int, bool]: ...


class ReadMerged(Protocol):
    """Reads a file as the branch holds it that changes are merged into; None where nothing does."""

    def __call__(self, file: str) -> str | None: ...


def nothing_merged(file: str) -> None:
    """No branch is known."""
    del file


def bytes_of(model: Model, text: str) -> tuple[int, bool]:
    """UTF-8 bytes: no tokenizer makes more tokens of a text."""
    del model
    return len(text.encode()), False


@dataclass(frozen=True, kw_only=True)
class LintTree:
    """A reading of a repository, whole or in part.

    `names` are the files whose findings are asked for, `texts` holds them and all that they are
    compared with. `whole` is false where only some files were read, so that nothing can be said
    about what others use.
    """

    repository: Repository
    issues: tuple[Issue, ...] = ()
    documents: Mapping[str, Document]
    texts: Mapping[str, str]
    names: tuple[str, ...]
    corpus_files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by reference
    suppressions: tuple[Suppression, ...] = ()
    ledger: SuppressionLog = SuppressionLog()
    today: date
    whole: bool = True
    count: CountTokens = bytes_of
    merged: ReadMerged = nothing_merged
    clean: int = 0  # further files, in which nothing is found
    below: str = ""  # how the root is reached from the checkout's top, as CI names files
    _lines: dict[str, Lines] = field(default_factory=dict)
    _keys: dict[str, Keys] = field(default_factory=dict)
    untrusted: dict[str, Sequence[Any]] = field(
        default_factory=dict
    )  # what `prompts` found, by prompt

    def lines(self, file: str) -> Lines:
        """The lines of a file; of an empty one where it cannot be read."""
        lines = self._lines.get(file)
        if lines is None:
            lines = self._lines[file] = Lines(self.texts.get(file, ""))
        return lines

    @cached_property
    def stacks_by_prompt(self) -> Mapping[str, Sequence[Stack]]:
        """The stacks that use a prompt, by its reference."""
        found: dict[str, list[Stack]] = {}
        for stack in self.repository.stacks.values():
            found.setdefault(stack.prompt.ref, []).append(stack)
        return found

    @cached_property
    def prompts_asked(self) -> Sequence[Prompt]:
        """The prompts of which something lies in a file asked for."""
        asked = frozenset(self.names)
        return [
            prompt
            for prompt in self.repository.prompts.values()
            if prompt.location.file in asked
            or any(not asked.isdisjoint(message.files) for message in prompt.messages)
        ]

    def components(self, kind: Kind) -> Iterator[Part]:
        """The documents of a kind as they are written, whether or not they could be built."""
        for document in self._documents_by_kind.get(kind, ()):
            yield Part(document, (), document.value)

    @cached_property
    def _documents_by_kind(self) -> Mapping[str, Sequence[Document]]:
        found: dict[str, list[Document]] = {}
        for document in self.documents.values():
            kind = document.value.get("kind") if isinstance(document.value, dict) else None
            if isinstance(kind, str):
                found.setdefault(kind, []).append(document)
        return found

    def place(self, file: str, start: int, end: int) -> Place:
        """The place of characters of a file."""
        document = self.documents.get(file)
        key_line = None
        if document is not None:
            keys = self._keys.get(file)
            if keys is None:
                keys = self._keys[file] = Keys(document.root)
            key_line = document.location(keys.around(start)).line
        return Place(file, self.lines(file).span(start, end), key_line)

    def value(self, part: Part) -> Place:
        """The place of a value: all of a scalar's line, the beginning of what is longer."""
        span = part.document.span(part.path)
        return self._first_line(part, span.start, span.end)

    def key(self, part: Part) -> Place:
        """The place of a value's key; the value's own in a list."""
        span = part.document.key_span(part.path) or part.document.span(part.path)
        return self._first_line(part, span.start, span.end)

    def _first_line(self, part: Part, start: int, end: int) -> Place:
        text = part.document.text
        first = lines_of(text[start:end])
        place = self.place(part.file, start, start + len(first[0]) if first else start)
        return Place(place.file, place.span, part.document.key_at(part.path).line)

    def within_message(self, message: PromptMessage, index: int, start: int, end: int) -> Place:
        """The place of characters of a message's content: in the YAML, in a file of its own, or in
        one that it includes.
        """
        origin = message.origin(start)
        first, after = origin.offset, origin.offset + end - start
        document = self.documents.get(origin.file)
        if document is None or origin.file != message.location.file:
            # Of the text: the file may have other line ends.
            return Place(origin.file, Lines(origin.text).span(first, after), None)
        path = ("messages", index, "content")
        begin, stop = document.within(path, first), document.within(path, after)
        if stop.line != begin.line or stop.column <= begin.column:
            span = Range(begin.line, begin.column, begin.line, begin.column + 1)
        else:
            span = Range(begin.line, begin.column, stop.line, stop.column)
        return Place(origin.file, span, document.key_at(path).line)
