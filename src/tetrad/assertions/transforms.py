"""Transforms of an answer before it is checked: plain expressions, and Python functions in files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tetrad.assertions.answered import Answered, PythonRaised, Services
from tetrad.assertions.expressions import Expression, Step, expression_of
from tetrad.assertions.values import as_json, as_text
from tetrad.canonical import Json
from tetrad.text import encodable, shorten
from tetrad.yamldoc.jsontext import strict_decoder

# The function of a file that a transform names without naming one, as in promptfoo.
_FUNCTION = "get_transform"

_METHODS: Mapping[str, Callable[[str], str]] = {
    "trim": str.strip,
    "trimStart": str.lstrip,
    "trimEnd": str.rstrip,
    "toLowerCase": str.lower,
    "toUpperCase": str.upper,
}


class Untransformable(Exception):
    """The answer is not what the transform takes: a fault of the answer."""


async def transformed(answered: Answered, transform: str, services: Services) -> Answered:
    """The answer with its text transformed; Untransformable where that text does not allow it.

    What a transform made that is no text is what the next one is given, and is JSON to assertions
    on texts.
    """
    expression = expression_of(transform)
    if expression is None:
        made = await _by_python(transform, answered, services)
    else:
        made = _evaluated(expression, answered)
    if made is None:
        raise Untransformable("it made nothing (null)")
    given = answered.text if answered.untransformed is None else answered.untransformed
    if isinstance(made, str):
        return replace(answered, text=encodable(made), made=None, untransformed=given)
    return replace(answered, text=encodable(_as_json(made)), made=made, untransformed=given)


def _evaluated(expression: Expression, answered: Answered) -> Any:
    value = answered.output
    if expression.parsed or (isinstance(value, str) and _is_field(expression.steps)):
        value = _parse_json(answered.text)
    for step in expression.steps:
        value = _called(step.method, value) if step.method else _at(step.at, value)
    return value


def _is_field(steps: Sequence[Step]) -> bool:
    """Whether the first step is a field of an object: promptfoo's providers hand over a parsed answer
    where a schema binds it, so that `output.text` is `JSON.parse(output).text`.
    """
    at = steps[0].at if steps and not steps[0].method else None
    return isinstance(at, str) and at != "length"


async def _by_python(transform: str, answered: Answered, services: Services) -> Json:
    context: Json = {"vars": answered.vars, "metadata": {}}
    try:
        return await services.run_python(transform, _FUNCTION, answered.output, context)
    except PythonRaised as error:
        raise Untransformable(str(error)) from error


def _parse_json(text: str) -> Any:
    try:
        return strict_decoder().decode(text)
    except (ValueError, RecursionError) as error:
        raise Untransformable("the answer is not JSON") from error


def _as_json(value: Json) -> str:
    try:
        return as_json(value)
    except RecursionError:
        raise Untransformable("what it made is nested too deeply") from None


def _called(name: str, value: Any) -> str:
    if name == "toString" and not isinstance(value, dict | list):
        return as_text(value)
    if not isinstance(value, str):
        raise Untransformable(f"{name}() takes a string, and this is {_shown(value)}")
    return _METHODS[name](value)


def _at(key: str | int, value: Any) -> Any:
    if isinstance(value, dict) and key in value:
        return value[key]
    if isinstance(value, list | str):
        if key == "length":
            return len(value)
        if isinstance(key, int) and 0 <= key < len(value):
            return value[key]
    raise Untransformable(f"there is no {key!r} in {_shown(value)}")


def _shown(value: Any) -> str:
    return shorten(json.dumps(value, ensure_ascii=False), 80)
