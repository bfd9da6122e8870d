"""Where a template writes which variables, and what stands around them.

The syntax tree is walked in the order of the text; what is left is the text with a mark for every
output, in which delimiters can be looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from tetrad.lint.delimiters import MARK, are_delimited
from tetrad.lint.positions import Lines
from tetrad.templates.simple import SIMPLE, simple_outputs

# What these give is a number or a truth value, whatever they are given.
_HARMLESS_FILTERS = frozenset({"length", "count", "int", "float", "round", "abs"})


class Written(NamedTuple):
    """One output of a template: the variables that reach it, and whether it is marked as data.

    `path` is what is written of a variable or of a loop's item, without filters: `comment.body`.
    """

    variables: frozenset[str]
    start: int
    end: int
    delimited: bool
    path: tuple[str, ...] = ()
    looped: bool = False


@cache
def outputs_of(text: str) -> tuple[Written, ...]:
    """The outputs of a template in order; none where it does not parse."""
    simple = simple_outputs(text)
    if simple is not None:
        flat = SIMPLE.sub(lambda match: MARK * len(match[0]), text)
        delimited = are_delimited(flat, [match.start() for match in simple])
        return tuple(
            Written(
                variables=frozenset({match["name"]}),
                start=match.start(),
                end=match.end(),
                delimited=is_data,
                path=(match["name"],),
            )
            for match, is_data in zip(simple, delimited, strict=True)
        )
    return _outputs_of_tree(text)


def _outputs_of_tree(text: str) -> tuple[Written, ...]:
    from jinja2 import Environment
    from jinja2.exceptions import TemplateError

    environment = Environment(keep_trailing_newline=True)  # noqa: S701 - it only parses
    try:
        tree = environment.parse(text)
        spans = _output_spans(environment, text)
    except (TemplateError, RecursionError, ValueError):
        return ()
    walk = _Walk()
    walk.body(tree.body, {})
    flat = "".join(walk.flat)
    delimited = are_delimited(flat, [expression.position for expression in walk.expressions])
    return tuple(
        Written(
            variables=expression.variables,
            start=start,
            end=end,
            delimited=expression.encoded or is_data,
            path=expression.path,
            looped=expression.looped,
        )
        for expression, is_data, (start, end) in zip(
            walk.expressions, delimited, spans, strict=False
        )
    )


@cache
def compared_in(text: str) -> frozenset[str]:
    """The variables that a template compares with texts of its own: they have few values."""
    if "{%" not in text:
        return frozenset()
    from jinja2 import Environment, nodes
    from jinja2.exceptions import TemplateError

    try:
        tree = Environment().parse(text)  # noqa: S701 - it only parses
    except (TemplateError, RecursionError, ValueError):
        return frozenset()
    return frozenset(
        node.expr.name
        for node in tree.find_all(nodes.Compare)
        if isinstance(node.expr, nodes.Name)
        and any(isinstance(op.expr, nodes.Const | nodes.List | nodes.Tuple) for op in node.ops)
        and not any(isinstance(op.expr, nodes.Const) and not op.expr.value for op in node.ops)
    )


def fixed_text_of(text: str) -> str:
    """What a template says besides its variables; the template itself where it does not parse."""
    if simple_outputs(text) is not None:
        return SIMPLE.sub("", text)
    from jinja2 import Environment
    from jinja2.exceptions import TemplateError

    try:
        tree = Environment(keep_trailing_newline=True).parse(text)  # noqa: S701 - it only parses
    except (TemplateError, RecursionError, ValueError):
        return text
    walk = _Walk()
    walk.body(tree.body, {})
    return "".join(walk.flat).replace(MARK, "")


def _output_spans(environment: Any, text: str) -> list[tuple[int, int]]:
    """The characters of every `{{ … }}`; Jinja2's tree knows lines only."""
    lines = Lines(text)
    spans: list[tuple[int, int]] = []
    offset = 0
    for line, kind, value in environment.lex(text):
        # Blanks that `{%-` takes away are in no token, and a line break may be CRLF.
        found = text.find(value, max(offset, lines.offset(line, 1)))
        if found < 0:
            continue
        offset = found + len(value)
        if kind == "variable_begin":
            spans.append((found, offset))
        elif kind == "variable_end" and spans:
            spans[-1] = (spans[-1][0], found + len(value.rstrip()))
    return spans


class _Expression(NamedTuple):
    """`encoded`: the filter tojson wrote it, so that its quotes are the delimiter."""

    variables: frozenset[str]
    encoded: bool
    position: int
    path: tuple[str, ...]
    looped: bool


class _Walk:
    """Collects text and outputs; a loop's target stands for what the loop goes over."""

    def __init__(self) -> None:
        self.flat: list[str] = []
        self.expressions: list[_Expression] = []
        self._length = 0
        self._loops = 0

    def body(self, nodes: Any, bound: Mapping[str, frozenset[str]]) -> None:
        from jinja2 import nodes as kinds

        for node in nodes:
            if isinstance(node, kinds.Output):
                self._output(node, bound)
            elif isinstance(node, kinds.For):
                reached = _reaching(node.iter, bound)
                targets = dict.fromkeys(_target_names(node.target), reached)
                self._loops += 1
                self.body(node.body, {**bound, **targets, "loop": frozenset()})
                self._loops -= 1
                self.body(node.else_, bound)
            elif isinstance(node, kinds.If):
                for part in (node.body, node.elif_, node.else_):
                    self.body(part, bound)
            else:  # what the allow-list refuses is reported by its own rule
                self.body(getattr(node, "body", ()), bound)

    def _output(self, node: Any, bound: Mapping[str, frozenset[str]]) -> None:
        from jinja2 import nodes as kinds

        for part in node.nodes:
            if isinstance(part, kinds.TemplateData):
                self._write(part.data)
            else:
                encoded = isinstance(part, kinds.Filter) and part.name == "tojson"
                reached = _reaching(part, bound)
                self.expressions.append(
                    _Expression(reached, encoded, self._length, _path(part), self._loops > 0)
                )
                self._write(MARK)

    def _write(self, text: str) -> None:
        self.flat.append(text)
        self._length += len(text)


def _path(node: Any) -> tuple[str, ...]:
    """The names by which an output reaches its value; none of a sum or a condition."""
    from jinja2 import nodes as kinds

    while isinstance(node, kinds.Filter):
        node = node.node
    if isinstance(node, kinds.Name):
        return (node.name,)
    if isinstance(node, kinds.Getattr):
        return (*_path(node.node), node.attr)
    if isinstance(node, kinds.Getitem):
        name = node.arg.value if isinstance(node.arg, kinds.Const) else None
        return (*_path(node.node), name) if isinstance(name, str) else _path(node.node)
    return ()


def _reaching(node: Any, bound: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The variables whose text an expression's value can hold."""
    from jinja2 import nodes as kinds

    if isinstance(node, kinds.Name):
        return bound.get(node.name, frozenset({node.name}))
    if isinstance(node, kinds.Filter) and node.name in _HARMLESS_FILTERS:
        return frozenset()
    if isinstance(node, kinds.Compare | kinds.Test | kinds.Not):
        return frozenset()
    children = list(node.iter_child_nodes())
    if isinstance(node, kinds.CondExpr):
        children = [child for child in children if child is not node.test]
    return frozenset().union(*(_reaching(child, bound) for child in children))


def _target_names(target: Any) -> Iterator[str]:
    from jinja2 import nodes as kinds

    if isinstance(target, kinds.Name):
        yield target.name
    for name in target.find_all(kinds.Name):
        yield name.name
