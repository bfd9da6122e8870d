"""Templates: checked against the allow-list, compiled once, rendered under limits.

What a template is given is data: it is never parsed as a template, whoever wrote it. That a chat
template's special tokens mean nothing in such text is the engine's to see to, which alone knows
the model's tokens.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence, Sized
from functools import lru_cache
from typing import Any

from jinja2 import nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.runtime import Context, LoopContext, Macro, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from tetrad.canonical import Json
from tetrad.errors import BadRequest
from tetrad.templates.allowed import (
    LOOP_NAMES,
    MAX_DEPTH,
    Position,
    TemplateProblem,
    problems_in,
)
from tetrad.templates.filters import FILTERS, MAX_CHARS, TESTS, check_size, shown
from tetrad.templates.names import names_in
from tetrad.templates.simple import has_marks
from tetrad.templates.template_errors import syntax_problem

__all__ = [
    "Position",
    "Template",
    "TemplateProblem",
    "compile_template",
    "problems_of_template",
    "rendered",
    "variables_of",
]

MAX_ROUNDS = 10_000  # of all loops of one rendering together
MAX_SECONDS = 1.0  # of this thread's processor time, so that a busy machine refuses nothing

# Names that no template can write, since they hold a blank.
_BOUNDED = "bounded loop"
_TIMED = "timed value"
_JOINED = "joined texts"
_BUDGET = "loop budget"


def problems_of_template(text: str) -> tuple[TemplateProblem, ...]:
    """What keeps a text from being a template here: syntax (TPL201) or the allow-list (TPL204)."""
    try:
        return _problems_of(text)
    except RecursionError:
        return (_TOO_DEEP,)


def _problems_of(text: str) -> tuple[TemplateProblem, ...]:
    try:
        tree = _parse(text)
    except TemplateSyntaxError as error:
        return (syntax_problem(error, text, _ENVIRONMENT),)
    return tuple(sorted(problems_in(tree, _ENVIRONMENT, text)))


def variables_of(text: str) -> Mapping[str, Position]:
    """The variables that a template reads, each with its first place; {} where it does not parse."""
    try:
        return names_in(_parse(text), _ENVIRONMENT, text)
    except (TemplateSyntaxError, RecursionError):
        return {}


class Template:
    """A compiled template."""

    __slots__ = ("_compiled", "constant")

    def __init__(self, text: str, tree: nodes.Template) -> None:
        # The text itself where it holds no tag: most system messages.
        self.constant = text if _is_plain(text) else None
        self._compiled = _ENVIRONMENT.from_string(_bounded_tree(tree))

    def render(self, values: Mapping[str, Json]) -> str:
        """The text with `values` filled in; BadRequest says what they lack."""
        if self.constant is not None:
            return self.constant
        try:
            return self._text(values, _Budget())
        except UndefinedError as error:
            known = ", ".join(values) or "nothing"
            raise BadRequest(f"{error.message}; given: {known}") from error
        except RecursionError as error:
            raise BadRequest("the values are nested too deeply to be written") from error
        except (TypeError, ValueError, ArithmeticError, LookupError, SecurityError) as error:
            raise BadRequest(f"the values do not suit the template: {error}") from error

    def _text(self, values: Mapping[str, object], budget: _Budget) -> str:
        pieces: list[str] = []
        size = 0
        for piece in self._compiled.generate({**values, _BUDGET: budget}):
            budget.check_time()
            size += len(piece)
            if size > MAX_CHARS:
                raise BadRequest(f"rendered, it is longer than {MAX_CHARS:,} characters")
            pieces.append(piece)
        return "".join(pieces)


@lru_cache(maxsize=1024)
def compile_template(text: str) -> Template:
    """The template of a text that has no problems; ValueError with the first of them otherwise."""
    problems = problems_of_template(text)
    if problems:
        first = problems[0]
        raise ValueError(f"{first.message} (line {first.line} of the template); {first.hint}")
    return Template(text, _parse(text))


def rendered(value: Json, variables: Mapping[str, Json]) -> Json:
    """A text, or a list with its texts, with variables filled in; other values as they are."""
    if isinstance(value, str):
        return compile_template(value).render(variables) if has_marks(value) else value
    if isinstance(value, Sequence):
        return [rendered(v, variables) if isinstance(v, str) else v for v in value]
    return value


class _Missing(StrictUndefined):
    """A value that is not there; using it raises."""

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        owner = "" if isinstance(self._undefined_obj, type(_MISSING)) else "in the value, "
        return f"{owner}{self._undefined_name!r} is not given"


_MISSING = Undefined()._undefined_obj  # noqa: SLF001 - Jinja2's mark for "no object"


class _Sandbox(ImmutableSandboxedEnvironment):
    """Item access of plain data, and nothing that could reach an object's attributes."""

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()  # noqa: SLF001 - Jinja2's own way to raise it
        if isinstance(obj, Mapping):
            if argument in obj:
                return obj[argument]
        elif isinstance(obj, LoopContext):
            if argument in LOOP_NAMES:
                return getattr(obj, argument)
        elif isinstance(obj, list | tuple | str) and _is_index(argument, obj):
            return obj[argument]
        return self.undefined(obj=obj, name=argument)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def call(self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: PYI063
        """A macro of the template itself; there is nothing else to call."""
        if not isinstance(__obj, Macro):
            raise SecurityError("a template calls nothing but its own macros")
        budget: Any = __context[_BUDGET]
        budget.check_time()
        budget.take(1)
        text = super().call(__context, __obj, *args, **kwargs)
        check_size(len(text))
        return text

    intercepted_binops = frozenset({"+"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """A sum; a template may add texts, so that its length is bounded here."""
        if isinstance(left, Sized) and isinstance(right, Sized):
            check_size(len(left) + len(right))
        return _timed(context, super().call_binop(context, operator, left, right))


def _is_index(argument: Any, values: Sized) -> bool:
    return type(argument) is int and -len(values) <= argument < len(values)


class _Budget:
    """What one rendering may take."""

    __slots__ = ("_end", "rounds")

    def __init__(self) -> None:
        self.rounds = MAX_ROUNDS
        self._end = time.thread_time() + MAX_SECONDS

    def take(self, rounds: int) -> None:
        """Count rounds of a loop, or a call of a macro."""
        self.rounds -= rounds
        if self.rounds < 0:
            raise ValueError(f"its loops take more than {MAX_ROUNDS:,} rounds")

    def check_time(self) -> None:
        if time.thread_time() > self._end:
            raise BadRequest(f"rendering takes longer than {MAX_SECONDS:g} s of processor time")


@pass_context
def _timed(context: Context, value: object) -> object:
    """The value as it is, where there is time left."""
    context[_BUDGET].check_time()
    return value


@pass_context
def _joined(context: Context, *values: object) -> str:
    """What `~` makes of values: their texts, one behind the other."""
    context[_BUDGET].check_time()
    texts = [str(shown(value)) for value in values]
    check_size(sum(map(len, texts)))
    return "".join(texts)


@pass_context
def _bounded(context: Context, items: object) -> object:
    """What a loop goes over, counted against what one rendering may take."""
    if isinstance(items, Undefined):
        items._fail_with_undefined_error()  # noqa: SLF001 - as a loop over it would
    if items is None:
        return ()
    if isinstance(items, str) or not isinstance(items, Sized):
        raise TypeError(f"a loop goes over a list, not over {items!r:.40}")
    budget: Any = context[_BUDGET]
    budget.take(len(items))
    return items


def _environment() -> _Sandbox:
    environment = _Sandbox(
        undefined=_Missing,
        finalize=shown,
        autoescape=False,
        keep_trailing_newline=True,
        cache_size=0,
    )
    environment.globals.clear()
    environment.filters.clear()
    environment.filters.update(FILTERS)
    environment.filters[_BOUNDED] = _bounded
    environment.filters[_TIMED] = _timed
    environment.filters[_JOINED] = _joined
    environment.tests.clear()
    environment.tests.update(TESTS)
    return environment


_ENVIRONMENT = _environment()

_TOO_DEEP = TemplateProblem(
    line=1,
    column=1,
    code="TPL204",
    message=f"nested more than {MAX_DEPTH} levels deep",
    hint="compute the value in your code and pass it as a variable",
)


def _parse(text: str) -> nodes.Template:
    try:
        return _ENVIRONMENT.parse(text)
    except ValueError as error:  # a number of thousands of digits
        raise TemplateSyntaxError("a number that is too long", 1) from error


class _Bounds(NodeTransformer):
    """Counts the rounds of loops, and looks at the time wherever a long text may be gone through."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - Jinja2 calls it so
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _BOUNDED)
        moment = nodes.ExprStmt(_filtered(nodes.Const(None, lineno=node.lineno), _TIMED))
        node.body.insert(0, moment.set_lineno(node.lineno))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 - as above
        self.generic_visit(node)
        first, *others = node.nodes
        return nodes.Filter(first, _JOINED, others, [], None, None, lineno=node.lineno)

    def _timed(self, node: nodes.Expr) -> nodes.Expr:
        self.generic_visit(node)
        return _filtered(node, _TIMED)

    visit_Filter = visit_Test = visit_Compare = _timed  # noqa: N815 - as above


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _bounded_tree(tree: nodes.Template) -> nodes.Template:
    tree = _Bounds().visit(tree)
    tree.set_environment(_ENVIRONMENT)
    return tree


def _is_plain(text: str) -> bool:
    return not has_marks(text) and "\r" not in text
