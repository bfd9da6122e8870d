"""Numbers and booleans whose text an assertion compares, where they are written another way.

YAML and JSON read 3.10 as the number 3.1, and only that is left: `contains: 3.10` would look for 3.1,
which 3.12 contains.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tetrad.assertions.table import TYPES
from tetrad.assertions.values import as_text
from tetrad.errors import Issue
from tetrad.templates.reading import variables_of
from tetrad.yamldoc.document import Document, Node

RESPELLED = "GLD997"  # the rule that reports it
_OF_TEXTS = frozenset(name for name, type_ in TYPES.items() if type_.compares_text)
_HOLDERS = ("tests", "defaultTest", "scenarios", "config")  # what tests stand in


def respelled(document: Document) -> Iterator[Issue]:
    """An issue for each of them in a golden set's file."""
    numbers = [node for node in _compared(document.root) if isinstance(node.value, int | float)]
    for node in dict.fromkeys(numbers):
        written = document.text[node.start : node.end]
        if node.style is None and as_text(node.value) != written:
            yield Issue(
                location=document.location(node.start),
                code=RESPELLED,
                message=f"{written} is read as {as_text(node.value)}, and its text is compared",
                hint=f'write "{written}" in quotes, or {as_text(node.value)}',
                blocks="judge",
            )


def _compared(node: Node) -> Iterator[Node]:
    """The scalars whose texts are compared, in a list of tests or what holds one."""
    if isinstance(node.value, list):
        for test in node.children.values():
            yield from _compared(test)
        return
    if not isinstance(node.value, Mapping):
        return
    variables = _child(node, "vars")
    for key in ("assert", "assertionTemplates"):
        for assertion in _children(node, key):
            yield from _of_assertion(assertion, variables)
    for key in _HOLDERS:
        if key in node.children:
            yield from _compared(node.children[key])


def _of_assertion(assertion: Node, variables: Node | None) -> Iterator[Node]:
    for inner in _children(assertion, "assert"):
        yield from _of_assertion(inner, variables)
    type_, value = _child(assertion, "type"), _child(assertion, "value")
    if type_ is None or value is None or str(type_.value).removeprefix("not-") not in _OF_TEXTS:
        return
    is_value = str(type_.value).endswith("equals") and isinstance(value.value, list)
    scalars = [*value.children.values()] if isinstance(value.value, list) else [value]
    for scalar in () if is_value else scalars:
        yield scalar
        if variables is not None and isinstance(scalar.value, str) and "{" in scalar.value:
            names = variables_of(scalar.value)
            yield from (variables.children[name] for name in names if name in variables.children)


def _child(node: Node, key: str) -> Node | None:
    return node.children.get(key)


def _children(node: Node, key: str) -> Iterator[Node]:
    child = node.children.get(key)
    yield from child.children.values() if child is not None else ()
