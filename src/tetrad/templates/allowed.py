"""Which part of Jinja2 a template may use: output, `if`, `for` over data, listed filters and tests.

Jinja2's sandbox keeps a template from code but bounds neither time nor memory, so the syntax tree
is held against a list. Lint reports the same problems with the same positions.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from jinja2 import nodes
from jinja2.environment import Environment

from tetrad.templates.filters import FILTERS, TESTS

MAX_DEPTH = 40  # of the syntax tree; Python's own compiler stops at about 100 nested brackets

LOOP_NAMES = frozenset(
    ("index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0")
)


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class TemplateProblem:
    """What is wrong with a template; line and column count from 1, in the template's own text."""

    line: int
    column: int
    code: Literal["TPL201", "TPL204"]
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    line: int
    column: int


_HINT_VALUE = "compute the value before, and pass it as a variable"
_HINT_TEXT = "write the text where it is needed; a template is one message and nothing else"

# What a refused node is called, the token by which it is found, and what to do instead.
_REFUSED: Mapping[type[nodes.Node], tuple[str, str, str]] = {
    nodes.Call: ("a call", "(", "use a filter, or compute the value before and pass it"),
    nodes.Mul: ("*", "*", _HINT_VALUE),
    nodes.Pow: ("**", "**", _HINT_VALUE),
    nodes.Mod: ("%", "%", _HINT_VALUE),
    nodes.Div: ("/", "/", _HINT_VALUE),
    nodes.FloorDiv: ("//", "//", _HINT_VALUE),
    nodes.Concat: ("~", "~", "write two outputs: {{ a }}{{ b }}"),
    nodes.Slice: ("a slice", ":", _HINT_VALUE),
    nodes.Dict: ("an object in a template", "{", _HINT_VALUE),
    nodes.Assign: ("set", "set", _HINT_VALUE),
    nodes.AssignBlock: ("set", "set", _HINT_VALUE),
    nodes.With: ("with", "with", _HINT_VALUE),
    nodes.Import: ("import", "import", _HINT_TEXT),
    nodes.FromImport: ("import", "from", _HINT_TEXT),
    nodes.Include: ("include", "include", "`content: file://…` takes text from a file"),
    nodes.Extends: ("extends", "extends", "`extends: prompts/…` in the prompt's file does that"),
    nodes.Macro: ("macro", "macro", _HINT_TEXT),
    nodes.CallBlock: ("call", "call", _HINT_TEXT),
    nodes.FilterBlock: ("a filter block", "filter", "apply the filter to a value: {{ x|upper }}"),
    nodes.Block: ("block", "block", _HINT_TEXT),
    nodes.ScopedEvalContextModifier: (
        "autoescape",
        "autoescape",
        "remove it: what a prompt writes is no HTML, and nothing is escaped",
    ),
}

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Name, nodes.Const,
    nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Add, nodes.Sub, nodes.Neg, nodes.Pos,
    nodes.List, nodes.Tuple, nodes.Keyword, nodes.Pair,
    nodes.Scope,  # what Jinja2 puts around autoescape
)  # fmt: skip


def problems_in(
    tree: nodes.Template, environment: Environment, text: str
) -> Iterator[TemplateProblem]:
    """Everything in a parsed template that is outside the allow-list."""
    yield from _Checker(Tokens(environment, text)).check(tree, depth=0)


def names_in(tree: nodes.Template, environment: Environment, text: str) -> dict[str, Position]:
    """The variables a template reads, with the place of the first use of each."""
    tokens = Tokens(environment, text)
    found: dict[str, Position] = {}
    for name, is_free in _names(tree, frozenset()):
        place = tokens.find(name.name, name.lineno or 1)
        if is_free:
            found.setdefault(name.name, place)
    return found


class Tokens:
    """Where the tokens of a template stand; Jinja2's tree knows lines only.

    The name of an attribute or filter is looked for with its `.` or `|`.
    """

    def __init__(self, environment: Environment, text: str) -> None:
        self._places: defaultdict[str, list[Position]] = defaultdict(list)
        source = re.sub(r"\r\n?", "\n", text)
        offset = line = start = 0
        before = ""
        for _, kind, value in environment.lex(source):
            # Blanks that `{%-` takes away are in no token.
            at = source.index(value, offset)
            line += source.count("\n", offset, at)
            start = max(source.rfind("\n", 0, at) + 1, start)
            if kind not in _TEXT_TOKENS:
                # An attribute or a filter is no variable of that name.
                owned = before in {".", "|"}
                key = f"{before}{value}" if owned else value
                self._places[key].append(Position(line + 1, at - start + 1))
                before = value
            line += value.count("\n")
            offset = at + len(value)

    def find(self, value: str, line: int) -> Position:
        """The next place of a token from `line` on that was not asked for before."""
        places = self._places[value]
        for index, place in enumerate(places):
            if place.line >= line:
                return places.pop(index)
        return Position(line, 1)


_TEXT_TOKENS = (
    "data",
    "whitespace",
    "raw_begin",
    "raw_end",
    "comment",
    "comment_begin",
    "comment_end",
)


class _Checker:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def check(self, node: nodes.Node, *, depth: int) -> Iterator[TemplateProblem]:
        if depth > MAX_DEPTH:
            yield self._problem(node, "", f"nested more than {MAX_DEPTH} levels deep", _HINT_VALUE)
            return
        if type(node) in _REFUSED:
            what, token, hint = _REFUSED[type(node)]
            yield self._problem(node, token, f"{what} is not allowed in a template", hint)
        elif not isinstance(node, _ALLOWED):
            name = type(node).__name__.lower()
            yield self._problem(node, "", f"{name} is not allowed in a template", _HINT_VALUE)
        else:
            yield from self._allowed(node)
        for child in node.iter_child_nodes():
            if not _is_loop_attribute(node, child):
                yield from self.check(child, depth=depth + 1)

    def _allowed(self, node: nodes.Node) -> Iterator[TemplateProblem]:
        """What is wrong with a node of an allowed kind."""
        match node:
            case nodes.For():
                yield from self._for(node)
            case nodes.Name():
                yield from self._name(node)
            case nodes.Getattr():
                yield from self._getattr(node)
            case nodes.Getitem():
                yield from self._getitem(node)
            case nodes.Filter():
                yield from self._filter(node)
            case nodes.Test():
                yield from self._test(node)
            case nodes.List() | nodes.Tuple():
                yield from self._literal(node)
            case nodes.Compare() if len(node.ops) > MAX_DEPTH:
                message = f"more than {MAX_DEPTH} values in one comparison"
                yield self._problem(node, "", message, _HINT_VALUE)

    def _for(self, node: nodes.For) -> Iterator[TemplateProblem]:
        if node.recursive:
            yield self._problem(node, "recursive", "a recursive loop is not allowed", _HINT_VALUE)
        if not isinstance(
            node.iter, nodes.Name | nodes.Getattr | nodes.Getitem | nodes.Filter | nodes.Call
        ):
            yield self._problem(
                node, "for", "a loop goes over a variable only", "pass the list as a variable"
            )

    def _name(self, node: nodes.Name) -> Iterator[TemplateProblem]:
        if node.name == "loop" and node.ctx == "load":
            yield self._problem(
                node, "loop", "loop itself is no value", "write one of its parts: loop.index"
            )
        elif node.name in _RESERVED:
            yield self._problem(
                node, node.name, f"{node.name} is Jinja2's own", "choose another name"
            )
        elif node.name.startswith("_"):
            yield self._private(node, node.name)

    def _getattr(self, node: nodes.Getattr) -> Iterator[TemplateProblem]:
        if node.attr.startswith("_"):
            yield self._private(node, f".{node.attr}")
        if _is_loop(node.node) and node.attr not in LOOP_NAMES:
            yield self._problem(
                node,
                f".{node.attr}",
                f"loop.{node.attr} is not allowed",
                _one_of("loop.", LOOP_NAMES),
            )

    def _getitem(self, node: nodes.Getitem) -> Iterator[TemplateProblem]:
        key = node.arg.value if isinstance(node.arg, nodes.Const) else None
        if isinstance(key, str) and key.startswith("_"):
            yield self._private(node, "[")

    def _filter(self, node: nodes.Filter) -> Iterator[TemplateProblem]:
        token = f"|{node.name}"
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            message = "* and ** are not allowed in arguments"
            yield self._problem(node, token, message, _HINT_VALUE)
        if node.name not in FILTERS:
            message = f"the filter {node.name!r} is not on the list"
            yield self._problem(node, token, message, _nearest(node.name, FILTERS))

    def _test(self, node: nodes.Test) -> Iterator[TemplateProblem]:
        if node.name not in TESTS:
            hint = _nearest(node.name, TESTS)
            yield self._problem(node, node.name, f"the test {node.name!r} is not on the list", hint)

    def _literal(self, node: nodes.List | nodes.Tuple) -> Iterator[TemplateProblem]:
        store = isinstance(node, nodes.Tuple) and node.ctx == "store"
        if not store and not all(isinstance(item, nodes.Const) for item in node.items):
            yield self._problem(
                node, "", "a list in a template holds constants only", "pass the list as a variable"
            )

    def _private(self, node: nodes.Node, token: str) -> TemplateProblem:
        return self._problem(
            node, token, "names that begin with _ are no data", "rename the variable or key"
        )

    def _problem(self, node: nodes.Node, token: str, message: str, hint: str) -> TemplateProblem:
        place = self._tokens.find(token, node.lineno or 1)  # what Jinja2 adds has no line
        return TemplateProblem(
            line=place.line, column=place.column, code="TPL204", message=message, hint=hint
        )


_RESERVED = frozenset(("self", "super", "caller", "varargs", "kwargs"))


def _names(node: nodes.Node, bound: frozenset[str]) -> Iterator[tuple[nodes.Name, bool]]:
    """Every name in the order of the text, and whether it is a variable that the template reads."""
    if isinstance(node, nodes.Name):
        yield node, node.ctx == "load" and node.name not in bound
        return
    if not isinstance(node, nodes.For):
        for child in node.iter_child_nodes():
            yield from _names(child, bound)
        return
    targets = list(_names(node.target, bound))
    yield from targets
    yield from _names(node.iter, bound)
    inner = bound | {name.name for name, _ in targets} | {"loop"}
    for child in [*([node.test] if node.test else []), *node.body]:
        yield from _names(child, inner)
    for child in node.else_:
        yield from _names(child, bound)


def _is_loop(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "loop"


def _is_loop_attribute(node: nodes.Node, child: nodes.Node) -> bool:
    return isinstance(node, nodes.Getattr) and _is_loop(child)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else _one_of("", known)


def _one_of(prefix: str, names: Iterable[str]) -> str:
    return f"there are: {', '.join(prefix + name for name in sorted(names))}"
