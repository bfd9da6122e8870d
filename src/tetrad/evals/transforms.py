"""Transforms of an answer before it is checked.

promptfoo runs JavaScript here. What its documentation shows most needs no JavaScript, and is read
as what it is: `output` or `JSON.parse(output)`, then fields, places and the plain text methods, as
in `JSON.parse(output).answer.trim()`. Anything else is a Python function in a file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeAlias

from tetrad.canonical import Json
from tetrad.evals.assertions.verdict import Answered, PythonRaised, Services
from tetrad.text import shorten

# The function of a file that a transform names without naming one, as in promptfoo.
_FUNCTION = "get_transform"
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
_METHODS: Mapping[str, Callable[[str], str]] = {
    "trim": str.strip,
    "trimStart": str.lstrip,
    "trimEnd": str.rstrip,
    "toLowerCase": str.lower,
    "toUpperCase": str.upper,
    "toString": str,
}

_Step: TypeAlias = Callable[[Any], Any]


class Untransformable(Exception):
    """The answer is not what the transform takes: a fault of the answer."""


def is_transform(text: str) -> bool:
    return _FILE.match(text) is not None or _steps(text) is not None


async def transformed(answered: Answered, transform: str, services: Services) -> Answered:
    """The answer with its text transformed; Untransformable where that text does not allow it."""
    steps = _steps(transform)
    if steps is None:
        made = await _by_python(transform, answered, services)
    else:
        made = answered.text
        for step in steps:
            made = step(made)
    text = made if isinstance(made, str) else json.dumps(made, ensure_ascii=False)
    return replace(answered, text=text)


async def _by_python(transform: str, answered: Answered, services: Services) -> Json:
    context: Json = {"vars": answered.vars, "metadata": {}}
    try:
        return await services.run_python(transform, _FUNCTION, answered.text, context)
    except PythonRaised as error:
        raise Untransformable(str(error)) from error


@lru_cache(maxsize=256)
def _steps(text: str) -> tuple[_Step, ...] | None:
    """The expression's steps; None where it is another kind of expression."""
    start = _START.match(text)
    if start is None:
        return None
    steps: list[_Step] = [_parse_json] if start[2] else []
    position = start.end()
    while (match := _STEP.match(text, position)) is not None:
        step = _step(match)
        if step is None:
            return None
        steps.append(step)
        position = match.end()
    return tuple(steps) if text[position:].strip() in {"", ";"} else None


def _step(match: re.Match[str]) -> _Step | None:
    if (name := match["method"]) is not None:
        return _method(name) if name in _METHODS else None
    if match["place"] is not None:
        return _at(int(match["place"]))
    return _at(match["field"] if match["field"] is not None else match["key"])


def _parse_json(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Untransformable("the answer is not JSON") from error


def _method(name: str) -> _Step:
    def call(value: Any) -> Any:
        if not isinstance(value, str):
            raise Untransformable(f"{name}() takes a text, and this is {_shown(value)}")
        return _METHODS[name](value)

    return call


def _at(key: str | int) -> _Step:
    def get(value: Any) -> Any:
        if isinstance(value, dict) and key in value:
            return value[key]
        if isinstance(value, list | str) and isinstance(key, int) and 0 <= key < len(value):
            return value[key]
        raise Untransformable(f"there is no {key!r} in {_shown(value)}")

    return get


def _shown(value: Any) -> str:
    return shorten(json.dumps(value, ensure_ascii=False), 80)
