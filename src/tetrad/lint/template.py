"""Where a template writes which variables, and what stands around them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from tetrad.lint.delimiters import MARK, are_delimited, are_within, breakable_blocks, sturdy_blocks
from tetrad.lint.positions import Lines
from tetrad.templates.simple import SIMPLE, simple_outputs


class TemplateOutput(NamedTuple):
    """One output of a template: the variables that reach it, and whether it is marked as data.

    `path` is what is written of a variable or of a loop's item, without filters: `comment.body`.
    """

    variables: frozenset[str]
    start: int
    end: int
    delimited: bool
    path: tuple[str, ...] = ()
    looped: bool = False


class _Placed(NamedTuple):
    """An output with its place in the flat text; `delimited` is true where a filter is the delimiter."""

    output: TemplateOutput
    position: int


@cache
def outputs_of(text: str) -> tuple[TemplateOutput, ...]:
    """The outputs of a template in order; none where it does not parse."""
    flat, placed = _flat(text)
    delimited = are_delimited(flat, [one.position for one in placed])
    return tuple(
        one.output._replace(delimited=one.output.delimited or is_data)
        for one, is_data in zip(placed, delimited, strict=True)
    )


@cache
def breakable_in(text: str) -> Mapping[int, str]:
    """By where they start, the outputs that only marks delimit which their text may contain."""
    if not any(mark in text for mark in ("```", "~~~", '"""', "'''", '":', "':", '" :')):
        return {}
    flat, placed = _flat(text)
    places = [one.position for one in placed]
    around: dict[int, str] = {}  # by the output's number
    for name, blocks in breakable_blocks(flat):
        for number, is_within in enumerate(are_within(blocks, places)):
            if is_within:
                around.setdefault(number, name)
    if not around:
        return {}
    held = are_within(sturdy_blocks(flat), places)
    found: dict[int, str] = {}
    for number, (one, is_held) in enumerate(zip(placed, held, strict=True)):
        if number in around and not is_held and not one.output.delimited:
            found.setdefault(one.output.start, around[number])
    return found


@cache
def _flat(text: str) -> tuple[str, tuple[_Placed, ...]]:
    """A template as the text that it writes, with marks for its outputs, and where these are."""
    simple = simple_outputs(text)
    if simple is None:
        return _flat_tree(text)
    flat = SIMPLE.sub(lambda match: MARK * len(match[0]), text)
    return flat, tuple(
        _Placed(
            TemplateOutput(
                variables=frozenset({match["name"]}),
                start=match.start(),
                end=match.end(),
                delimited=False,
                path=(match["name"],),
            ),
            match.start(),
        )
        for match in simple
    )


def _flat_tree(text: str) -> tuple[str, tuple[_Placed, ...]]:
    from jinja2 import Environment
    from jinja2.exceptions import TemplateError

    from tetrad.lint.flattened import flattened

    environment = Environment(keep_trailing_newline=True)  # noqa: S701 - it only parses
    try:
        tree = environment.parse(text)
        spans = _output_spans(environment, text)
    except (TemplateError, RecursionError, ValueError):
        return "", ()
    flat = flattened(tree)
    return flat.text, tuple(
        _Placed(
            TemplateOutput(
                variables=expression.variables,
                start=spans[expression.number][0],
                end=spans[expression.number][1],
                delimited=expression.encoded,
                path=expression.path,
                looped=expression.looped,
            ),
            expression.position,
        )
        for expression in flat.expressions
        if expression.number < len(spans)
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


@cache
def fixed_text_of(text: str) -> str:
    """What a template says besides its variables; the template itself where it does not parse."""
    if simple_outputs(text) is not None:
        return SIMPLE.sub("", text)
    from jinja2 import Environment
    from jinja2.exceptions import TemplateError

    from tetrad.lint.flattened import flattened

    try:
        tree = Environment(keep_trailing_newline=True).parse(text)  # noqa: S701 - it only parses
    except (TemplateError, RecursionError, ValueError):
        return text
    return flattened(tree).text.replace(MARK, "")


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
