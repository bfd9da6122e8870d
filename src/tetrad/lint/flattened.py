"""A template as the text that it writes, with a mark in place of every output.

The syntax tree is walked in the order of the text. A loop's body is written once and each branch of
a condition; a macro's where it is called, so that what stands around the call stands around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jinja2 import nodes

from tetrad.lint.delimiters import MARK

# What these give is a number or a truth value, whatever they are given.
_HARMLESS_FILTERS = frozenset({"length", "count", "int", "float", "round", "abs"})
_MOST_EXPRESSIONS = 10_000  # of macros that call macros; more are not looked at
_DEEPEST = 20

Bound = dict[str, frozenset[str]]  # names that are no variables, by the variables that reach them


class MarkedOutput(NamedTuple):
    """An output as it is written: `number` counts the outputs of the template's text.

    `encoded`: the filter tojson wrote it, so that its quotes are the delimiter.
    """

    variables: frozenset[str]
    encoded: bool
    position: int
    path: tuple[str, ...]
    looped: bool
    number: int


class Flat(NamedTuple):
    text: str
    expressions: tuple[MarkedOutput, ...]


def flattened(tree: nodes.Template) -> Flat:
    walk = _Walk(tree)
    walk.body(tree.body, {})
    return Flat("".join(walk.pieces), tuple(walk.expressions))


class _Walk:
    """Collects text and outputs; a loop's target stands for what the loop goes over."""

    def __init__(self, tree: nodes.Template) -> None:
        self.pieces: list[str] = []
        self.expressions: list[MarkedOutput] = []
        parts = [p for output in tree.find_all(nodes.Output) for p in output.nodes]
        outputs = (part for part in parts if not isinstance(part, nodes.TemplateData))
        self._numbers = {id(part): number for number, part in enumerate(outputs)}
        self._length = self._loops = self._conditions = 0
        self._macros: dict[str, nodes.Macro] = {}
        self._calls: list[int] = []  # the outputs of the calls that are looked into

    def body(self, statements: Any, bound: Bound) -> None:
        for node in statements:
            match node:
                case nodes.Output():
                    self._output(node, bound)
                case nodes.For():
                    self._for(node, bound)
                case nodes.If():
                    self._conditions += 1
                    for part in (node.body, node.elif_, node.else_):
                        self.body(part, bound)
                    self._conditions -= 1
                case nodes.Macro():
                    self._macros[node.name] = node
                case nodes.Assign():
                    self._assign(node, bound)
                case _:  # what the allow-list refuses is reported by its own rule
                    self.body(getattr(node, "body", ()), bound)

    def _for(self, node: nodes.For, bound: Bound) -> None:
        targets = dict.fromkeys(_target_names(node.target), _reaching(node.iter, bound))
        self._loops += 1
        self.body(node.body, {**bound, **targets, "loop": frozenset()})
        self._loops -= 1
        self.body(node.else_, dict(bound))

    def _assign(self, node: nodes.Assign, bound: Bound) -> None:
        reached = _reaching(node.node, bound)
        for name in _target_names(node.target):
            kept = bound.get(name, frozenset({name})) if self._conditions else frozenset()
            bound[name] = reached | kept

    def _output(self, node: nodes.Output, bound: Bound) -> None:
        for part in node.nodes:
            if isinstance(part, nodes.TemplateData):
                self._write(part.data)
                continue
            number = self._calls[0] if self._calls else self._numbers[id(part)]
            called = self._called(part)
            if called is not None:
                self._call(*called, bound, number)
                continue
            encoded = isinstance(part, nodes.Filter) and part.name == "tojson"
            reached = _reaching(part, bound)
            looped = self._loops > 0
            self.expressions.append(
                MarkedOutput(reached, encoded, self._length, _path(part), looped, number)
            )
            self._write(MARK)

    def _called(self, part: nodes.Expr) -> tuple[nodes.Macro, nodes.Call] | None:
        """The macro that an output calls, whatever filters it then applies."""
        inner: Any = part
        while isinstance(inner, nodes.Filter):
            inner = inner.node
        if not isinstance(inner, nodes.Call) or not isinstance(inner.node, nodes.Name):
            return None
        macro = self._macros.get(inner.node.name)
        deep = len(self._calls) >= _DEEPEST or len(self.expressions) >= _MOST_EXPRESSIONS
        return None if macro is None or deep else (macro, inner)

    def _call(self, macro: nodes.Macro, call: nodes.Call, bound: Bound, number: int) -> None:
        names = [argument.name for argument in macro.args]
        given: Bound = dict.fromkeys(names, frozenset())
        defaults = zip(reversed(names), reversed(macro.defaults), strict=False)
        given |= {name: _reaching(value, bound) for name, value in defaults}
        given |= {n: _reaching(v, bound) for n, v in zip(names, call.args, strict=False)}
        given |= {keyword.key: _reaching(keyword.value, bound) for keyword in call.kwargs}
        self._calls.append(number)
        self.body(macro.body, {**bound, **given})
        self._calls.pop()

    def _write(self, text: str) -> None:
        self.pieces.append(text)
        self._length += len(text)


def _path(node: Any) -> tuple[str, ...]:
    """The names by which an output reaches its value; none of a sum or a condition."""
    while isinstance(node, nodes.Filter):
        node = node.node
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        return (*_path(node.node), node.attr)
    if isinstance(node, nodes.Getitem):
        name = node.arg.value if isinstance(node.arg, nodes.Const) else None
        return (*_path(node.node), name) if isinstance(name, str) else _path(node.node)
    return ()


def _reaching(node: Any, bound: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The variables whose text an expression's value can hold."""
    if isinstance(node, nodes.Name):
        return bound.get(node.name, frozenset({node.name}))
    if isinstance(node, nodes.Filter) and node.name in _HARMLESS_FILTERS:
        return frozenset()
    if isinstance(node, nodes.Compare | nodes.Test | nodes.Not | nodes.FloorDiv):
        return frozenset()
    children = list(node.iter_child_nodes())
    if isinstance(node, nodes.CondExpr):
        children = [child for child in children if child is not node.test]
    return frozenset().union(*(_reaching(child, bound) for child in children))


def _target_names(target: Any) -> Iterator[str]:
    if isinstance(target, nodes.Name):
        yield target.name
    for name in target.find_all(nodes.Name):
        yield name.name
