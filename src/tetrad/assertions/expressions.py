"""The transforms of an answer that are understood.

promptfoo runs JavaScript here. What its documentation shows most needs no JavaScript, and is read
as what it is: `output` or `JSON.parse(output)`, then fields, places and the plain text methods, as
in `JSON.parse(output).answer.trim()`. Anything else is a Python function in a file.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

METHODS = frozenset({"trim", "trimStart", "trimEnd", "toLowerCase", "toUpperCase", "toString"})

_FILE = re.compile(r"file://[^:]+\.py(:\w+)?\Z")
_START = re.compile(r"\s*(?:(output)|(JSON\s*\.\s*parse\s*\(\s*output\s*\)))")
_STEP = re.compile(
    r"""\s*(?:
        \??\.\s*(?P<method>\w+)\s*\(\s*\)
      | \??\.\s*(?P<field>[A-Za-z_$][\w$]*)
      | \[\s*(?P<place>-?\d+)\s*\]
      | \[\s*(?P<quote>["'])(?P<key>[^"'\\]*)(?P=quote)\s*\]
    )""",
    re.VERBOSE,
)


class Step(NamedTuple):
    """One step of an expression: a method of a text, or what stands at a key or place."""

    method: str = ""
    at: str | int = ""


class Expression(NamedTuple):
    """The answer, parsed as JSON or not, and the steps from there."""

    parsed: bool
    steps: tuple[Step, ...]


def is_transform(text: str) -> bool:
    """Whether a transform can run here: a plain expression, or a function of a Python file."""
    return _FILE.match(text) is not None or expression_of(text) is not None


@lru_cache(maxsize=256)
def expression_of(text: str) -> Expression | None:
    """The plain expression that a transform is; None where it is another kind of code."""
    start = _START.match(text)
    if start is None:
        return None
    steps: list[Step] = []
    position = start.end()
    while (match := _STEP.match(text, position)) is not None:
        step = _step(match)
        if step is None:
            return None
        steps.append(step)
        position = match.end()
    ended = text[position:].strip() in {"", ";"}
    return Expression(start[2] is not None, tuple(steps)) if ended else None


def _step(match: re.Match[str]) -> Step | None:
    if (name := match["method"]) is not None:
        return Step(method=name) if name in METHODS else None
    if match["place"] is not None:
        return Step(at=int(match["place"]))
    return Step(at=match["field"] if match["field"] is not None else match["key"])
