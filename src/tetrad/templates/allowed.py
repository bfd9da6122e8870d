"""Which part of Jinja2 a template may use: output, `if`, `for` over data, listed filters and tests.

Jinja2's sandbox keeps a template from code but bounds neither time nor memory, so the syntax tree
is held against a list. Lint reports the same problems with the same positions.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from jinja2 import nodes
from jinja2.environment import Environment
from jinja2.filters import FILTERS as JINJA_FILTERS

from tetrad.templates.filters import FILTERS, TESTS
from tetrad.templates.methods import replacement_at

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


_BREAK = re.compile(r"\r\n|\r|\n")
_NO_CALL = "a call is not allowed in a template"
_HINT_CALL = "use a filter, or compute the value in your code and pass it as a variable"
_HINT_VALUE = "compute the value in your code and pass it as a variable"
_HINT_TEXT = 'write the text in the message itself, or include a file: {% include "rules.md" %}'

# What a refused node is called, the token by which it is found, and what to do instead.
_REFUSED: Mapping[type[nodes.Node], tuple[str, str, str]] = {
    nodes.Mul: ("*", "*", _HINT_VALUE),
    nodes.Pow: ("**", "**", _HINT_VALUE),
    nodes.Mod: ("%", "%", _HINT_VALUE),
    nodes.Div: ("/", "/", _HINT_VALUE),
    nodes.Dict: ("an object in a template", "{", _HINT_VALUE),
    nodes.AssignBlock: ("a set block", "set", "set one value: {% set name = value %}"),
    nodes.With: ("with", "with", _HINT_VALUE),
    nodes.Import: ("import", "import", _HINT_TEXT),
    nodes.FromImport: ("import", "from", _HINT_TEXT),
    nodes.Include: (
        "this include",
        "include",
        'only messages can include files, by a constant name: {% include "rules.md" %}',
    ),
    nodes.Extends: ("extends", "extends", "use `extends: prompts/…` in the prompt's file"),
    nodes.CallBlock: ("call", "call", _HINT_TEXT),
    nodes.FilterBlock: ("a filter block", "filter", "apply the filter to a value: {{ x|upper }}"),
    nodes.Block: ("block", "block", _HINT_TEXT),
    nodes.ScopedEvalContextModifier: (
        "autoescape",
        "autoescape",
        "remove it: prompts are not HTML, and nothing is escaped",
    ),
}

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Name, nodes.Const,
    nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Add, nodes.Sub, nodes.Neg, nodes.Pos,
    nodes.List, nodes.Tuple, nodes.Keyword, nodes.Pair, nodes.FloorDiv, nodes.Concat, nodes.Slice,
    nodes.Assign, nodes.Macro, nodes.Call,
    nodes.Scope,  # what Jinja2 puts around autoescape
)  # fmt: skip


def problems_in(
    tree: nodes.Template, environment: Environment, text: str
) -> Iterator[TemplateProblem]:
    """Everything in a parsed template that is outside the allow-list."""
    checker = _Checker(Tokens(environment, text), text, frozenset(map(id, tree.body)))
    yield from checker.check(tree, depth=0)


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
    """`at_top` are the nodes that stand in no loop and no condition, by their id."""

    def __init__(self, tokens: Tokens, text: str, at_top: frozenset[int]) -> None:
        self._tokens = tokens
        self._lines = [0, *(match.end() for match in _BREAK.finditer(text))]
        self._text = text
        self._at_top = at_top
        self._macros: set[str] = set()  # whose definition is complete, so that none calls itself
        self._called: set[int] = set()  # the names of macros where they are called

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
        if isinstance(node, nodes.Macro):
            self._macros.add(node.name)

    def _allowed(self, node: nodes.Node) -> Iterator[TemplateProblem]:
        """What is wrong with a node of an allowed kind."""
        check = getattr(self, f"_{type(node).__name__.lower()}", None)
        yield from check(node) if check else ()

    def _compare(self, node: nodes.Compare) -> Iterator[TemplateProblem]:
        if len(node.ops) > MAX_DEPTH:
            message = f"a comparison of more than {MAX_DEPTH} values"
            yield self._problem(node, "", message, _HINT_VALUE)

    def _for(self, node: nodes.For) -> Iterator[TemplateProblem]:
        if node.recursive:
            yield self._problem(node, "recursive", "a recursive loop is not allowed", _HINT_VALUE)
        if not isinstance(
            node.iter, nodes.Name | nodes.Getattr | nodes.Getitem | nodes.Filter | nodes.Call
        ):
            yield self._problem(
                node, "for", "a loop must iterate over a variable", "pass the list as a variable"
            )

    def _assign(self, node: nodes.Assign) -> Iterator[TemplateProblem]:
        if not isinstance(node.target, nodes.Name):
            message = "set can assign only one name"
            yield self._problem(node, "set", message, "use one set for each name")
        elif node.target.name in self._macros:
            yield self._again(node, "set", node.target.name)

    def _macro(self, node: nodes.Macro) -> Iterator[TemplateProblem]:
        name = node.name
        if id(node) not in self._at_top:
            message = "a macro is not allowed in a loop, a condition or another macro"
            yield self._problem(node, "macro", message, "define it at the top of the template")
        elif name in self._macros:
            yield self._again(node, "macro", name)
        elif name in _RESERVED or name == "loop" or name.startswith("_"):
            message = f"{name} cannot be the name of a macro"
            yield self._problem(node, "macro", message, "choose another name")
        else:
            self._tokens.find("macro", node.lineno)
        self._pass(node, name)

    def _pass(self, node: nodes.Node, name: str) -> None:
        """Leave the tokens of a macro's name behind, so that the next of its kind is found."""
        self._tokens.find(name, node.lineno)
        self._tokens.find("(", node.lineno)

    def _again(self, node: nodes.Node, token: str, name: str) -> TemplateProblem:
        message = f"the macro {name} is already defined"
        return self._problem(node, token, message, "choose another name")

    def _call(self, node: nodes.Call) -> Iterator[TemplateProblem]:
        called = node.node
        if isinstance(called, nodes.Getattr):
            yield self._method(node, called.attr)
        elif not isinstance(called, nodes.Name) or called.name not in self._macros:
            yield self._problem(node, "(", _NO_CALL, _HINT_CALL)
        else:
            self._called.add(id(called))
            if node.dyn_args is not None or node.dyn_kwargs is not None:
                message = "* and ** are not allowed in arguments"
                yield self._problem(node, "(", message, _HINT_VALUE)
            else:
                self._pass(node, called.name)

    def _method(self, node: nodes.Call, name: str) -> TemplateProblem:
        problem = self._problem(node, f".{name}", _NO_CALL, _HINT_CALL)
        found = replacement_at(self._text, self._lines[problem.line - 1] + problem.column - 1)
        if found is None:
            return problem
        return replace(problem, hint=f"write {found.text} in place of .{name}(…)")

    def _slice(self, node: nodes.Slice) -> Iterator[TemplateProblem]:
        bounds = (node.start, node.stop, node.step)
        if not all(bound is None or _is_integer(bound) for bound in bounds):
            message = "the bounds of a slice must be whole numbers"
            yield self._problem(node, ":", message, "write constants: [2:5], [-3:]")

    def _name(self, node: nodes.Name) -> Iterator[TemplateProblem]:
        if node.name in self._macros and node.ctx == "load" and id(node) not in self._called:
            message = f"{node.name} is a macro and cannot be used as a value"
            yield self._problem(node, node.name, message, f"call it: {{{{ {node.name}() }}}}")
        if node.name == "loop" and node.ctx != "load":
            yield self._problem(node, "loop", "loop is reserved by Jinja2", "choose another name")
        elif node.name == "loop":
            yield self._problem(
                node,
                "loop",
                "loop cannot be used as a value",
                "use one of its attributes: loop.index",
            )
        elif node.name in _RESERVED:
            yield self._problem(
                node, node.name, f"{node.name} is reserved by Jinja2", "choose another name"
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
            message = f"the filter {node.name!r} is not allowed"
            yield self._problem(node, token, message, _nearest(node.name, FILTERS))

    def _test(self, node: nodes.Test) -> Iterator[TemplateProblem]:
        if node.name not in TESTS:
            hint = _nearest(node.name, TESTS)
            yield self._problem(node, node.name, f"the test {node.name!r} is not allowed", hint)

    def _list(self, node: nodes.List | nodes.Tuple) -> Iterator[TemplateProblem]:
        store = isinstance(node, nodes.Tuple) and node.ctx == "store"
        if not store and not all(isinstance(item, nodes.Const) for item in node.items):
            yield self._problem(
                node,
                "",
                "a list in a template must contain only constants",
                "pass the list as a variable",
            )

    _tuple = _list

    def _private(self, node: nodes.Node, token: str) -> TemplateProblem:
        return self._problem(
            node, token, "names must not begin with _", "rename the variable or key"
        )

    def _problem(self, node: nodes.Node, token: str, message: str, hint: str) -> TemplateProblem:
        place = self._tokens.find(token, node.lineno or 1)  # what Jinja2 adds has no line
        return TemplateProblem(
            line=place.line, column=place.column, code="TPL204", message=message, hint=hint
        )


_RESERVED = frozenset(("self", "super", "caller", "varargs", "kwargs"))


def _is_integer(node: nodes.Expr) -> bool:
    if isinstance(node, nodes.Neg):
        node = node.node
    return isinstance(node, nodes.Const) and (node.value is None or type(node.value) is int)


def _is_loop(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "loop"


def _is_loop_attribute(node: nodes.Node, child: nodes.Node) -> bool:
    return isinstance(node, nodes.Getattr) and _is_loop(child)


# Filters of Jinja2 that have no place here, and what does the same.
_INSTEAD: Mapping[str, str] = {
    "e": "remove it: prompts are not HTML",
    "escape": "remove it: prompts are not HTML",
    "forceescape": "remove it: prompts are not HTML",
    "safe": "remove it: prompts are not escaped",
    "striptags": _HINT_VALUE,
    "dictsort": "loop over x|items",
    "strip": "did you mean trim?",
    "splitlines": "did you mean lines?",
    "keys": "did you mean list?",
    "json": "did you mean tojson?",
    "to_json": "did you mean tojson?",
    "str": "did you mean string?",
    "len": "did you mean length?",
}


def _nearest(name: str, known: Iterable[str]) -> str:
    """What to write for a name that is not on the list; what Jinja2 itself knows is no typing error."""
    if name in _INSTEAD:
        return _INSTEAD[name]
    if name in JINJA_FILTERS:
        return _HINT_VALUE
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else _one_of("", known)


def _one_of(prefix: str, names: Iterable[str]) -> str:
    return f"there are: {', '.join(prefix + name for name in sorted(names))}"
