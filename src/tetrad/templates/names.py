"""The variables that a template reads: its names, without those that it gives itself."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes
from jinja2.environment import Environment

from tetrad.templates.allowed import Position, Tokens


def names_in(tree: nodes.Template, environment: Environment, text: str) -> dict[str, Position]:
    """The variables a template reads, with the place of the first use of each."""
    tokens = Tokens(environment, text)
    found: dict[str, Position] = {}
    for name, is_free in _names(tree, set()):
        place = tokens.find(name.name, name.lineno or 1)
        if is_free:
            found.setdefault(name.name, place)
    return found


def _names(node: nodes.Node, bound: set[str]) -> Iterator[tuple[nodes.Name, bool]]:
    """Every name in the order of the text, and whether it is a variable that the template reads.

    A name that is set, or a macro's, is bound from there to the end of its loop or macro.
    """
    match node:
        case nodes.Name():
            yield node, node.ctx == "load" and node.name not in bound
        case nodes.For():
            yield from _names_of_loop(node, bound)
        case nodes.Assign():
            targets = list(_names(node.target, bound))
            yield from targets
            yield from _names(node.node, bound)
            bound.update(name.name for name, _ in targets if name.ctx == "store")
        case nodes.Macro():
            inner = bound | {argument.name for argument in node.args}
            for given in (*node.args, *node.defaults):
                yield from _names(given, bound)
            for child in node.body:
                yield from _names(child, inner)
            bound.add(node.name)
        case _:
            for child in node.iter_child_nodes():
                yield from _names(child, bound)


def _names_of_loop(node: nodes.For, bound: set[str]) -> Iterator[tuple[nodes.Name, bool]]:
    targets = list(_names(node.target, bound))
    yield from targets
    yield from _names(node.iter, bound)
    inner = bound | {name.name for name, _ in targets} | {"loop"}
    for child in [*([node.test] if node.test else []), *node.body]:
        yield from _names(child, inner)
    otherwise = set(bound)
    for child in node.else_:
        yield from _names(child, otherwise)
