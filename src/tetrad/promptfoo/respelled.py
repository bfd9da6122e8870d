"""Numbers and booleans whose text an assertion compares or a prompt shows, where they are written
another way.

YAML and JSON read 3.10 as the number 3.1, and only that is left: `contains: 3.10` would look for 3.1,
which 3.12 contains, and a question about Python 3.10 would be one about Python 3.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from tetrad.assertions.table import TYPES
from tetrad.assertions.values import as_text
from tetrad.errors import Issue, Location
from tetrad.model.variables import text_of
from tetrad.templates.reading import variables_of
from tetrad.yamldoc.document import Document, Node
from tetrad.yamldoc.jsonfile import parse_json

Told: TypeAlias = Callable[[Document], Iterator[Issue]]

RESPELLED = "GLD997"  # the rule that reports it
_OF_TEXTS = frozenset(name for name, type_ in TYPES.items() if type_.compares_text)
_HOLDERS = ("tests", "defaultTest", "scenarios", "config")  # what tests stand in
_WITH_FRACTION = re.compile(rb"-?\d+(?:\.\d+(?:[eE][-+]?\d+)?|[eE][-+]?\d+)")


class RespelledNumbers:
    """Tells those of a golden set's files, each file by itself.

    What an assertion compares keeps its case from being judged, a variable that it names included;
    what only a prompt shows does not.
    """

    def __init__(self) -> None:
        self._compared: set[str] = set()  # variables that assertions name, in the files so far

    def of_golden_set(self, document: Document) -> Iterator[Issue]:
        holders = list(_holders(document.root))
        compared = [node for holder in holders for node in _compared(holder, _templates(document))]
        for node in compared:
            if isinstance(node.value, str) and "{" in node.value:
                self._compared.update(variables_of(node.value))
        yield from _issues_of_compared(document, compared)
        for holder in holders:
            yield from self._of_values(document, holder.children.get("vars"))
            for call in _children(holder, "tools"):
                yield from issues_of_shown(document, call.children.get("result"))

    def of_vars(self, document: Document) -> Iterator[Issue]:
        """Those of a file of variables."""
        return self._of_values(document, document.root)

    def of_text(self, document: Document) -> Iterator[Issue]:
        """Those of a file whose text is the value of a variable."""
        return issues_of_shown(document, document.root)

    def of_assertion(self, document: Document, type_: str) -> Iterator[Issue]:
        """Those of a file that holds the value of an assertion, or an item of it."""
        return _issues_of_compared(document, _scalars(type_, document.root))

    def _of_values(self, document: Document, values: Node | None) -> Iterator[Issue]:
        for name, node in values.children.items() if values is not None else ():
            if name in self._compared:
                yield from _issues_of_compared(document, node.walk())
            else:
                yield from issues_of_shown(document, node)


def issues_of_shown(document: Document, node: Node | None) -> Iterator[Issue]:
    """Those of a value that prompts show, or that stands within one."""
    for scalar in node.walk() if node is not None else ():
        if isinstance(scalar.value, int | float) and not isinstance(scalar.value, bool):
            yield from _issues(document, scalar, text_of(scalar.value), compared=False)


def issues_of_line(line: bytes, at: Location, told: Told) -> Iterator[Issue]:
    """Those of a sound line of JSON Lines."""
    numbers = _WITH_FRACTION.findall(line)  # within texts, too: few lines are read twice
    if any(text_of(float(number)) != number.decode() for number in numbers):
        for issue in told(parse_json(line, at.file)):
            place = Location(at.file, at.line, issue.location.column)
            yield replace(issue, location=place)


def _issues_of_compared(document: Document, nodes: Iterable[Node]) -> Iterator[Issue]:
    for node in dict.fromkeys(nodes):
        if isinstance(node.value, int | float):
            yield from _issues(document, node, as_text(node.value), compared=True)


def _issues(document: Document, node: Node, text: str, *, compared: bool) -> Iterator[Issue]:
    written = document.text[node.start : node.end]
    why = "its text is compared" if compared else "prompts show that"
    if node.style is None and text != written:
        yield Issue(
            location=document.location(node.start),
            code=RESPELLED,
            message=f"{written} is read as {text}, and {why}",
            hint=f'write "{written}" in quotes, or {text}',
            blocks="judge" if compared else "nothing",
        )


def _holders(node: Node) -> Iterator[Node]:
    """The mappings that hold a test's keys, in a list of tests or what holds one."""
    if isinstance(node.value, list):
        for test in node.children.values():
            yield from _holders(test)
    elif isinstance(node.value, Mapping):
        yield node
        for key in _HOLDERS:
            if key in node.children:
                yield from _holders(node.children[key])


def _templates(document: Document) -> Mapping[str | int, Node]:
    node = document.root.children.get("assertionTemplates")
    return {} if node is None else node.children


def _compared(holder: Node, templates: Mapping[str | int, Node]) -> Iterator[Node]:
    for key in ("assert", "assertionTemplates"):
        for assertion in _children(holder, key):
            yield from _of_assertion(assertion, templates)


def _of_assertion(assertion: Node, templates: Mapping[str | int, Node]) -> Iterator[Node]:
    for inner in _children(assertion, "assert"):
        yield from _of_assertion(inner, templates)
    value = assertion.children.get("value")
    if value is None:
        return
    type_ = assertion.children.get("type")
    if type_ is None and "$ref" in assertion.children:
        name = str(assertion.children["$ref"].value).rsplit("/", 1)[-1]
        type_ = templates[name].children.get("type") if name in templates else None
    if type_ is not None:
        yield from _scalars(str(type_.value), value)


def _scalars(type_: str, value: Node) -> Iterator[Node]:
    """What of an assertion's value is compared as text."""
    if type_.removeprefix("not-") not in _OF_TEXTS:
        return
    if not isinstance(value.value, list):
        yield value
    elif not type_.endswith("equals"):
        yield from value.children.values()


def _children(node: Node, key: str) -> Iterator[Node]:
    child = node.children.get(key)
    yield from child.children.values() if child is not None else ()
