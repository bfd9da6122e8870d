"""Assertions on JSON in an answer: is-json, contains-json, each with an optional JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NoReturn

from tetrad.assertions.value_checks import schema_of_value, schema_text
from tetrad.assertions.verdict import Answered, Decided, Verdict, binary
from tetrad.canonical import Json
from tetrad.errors import JudgeFailed
from tetrad.model import Assertion
from tetrad.schemas.check import errors_of
from tetrad.text import shorten
from tetrad.yamldoc.document import json_path

# Places at which JSON may begin that are tried in one answer; hostile text is full of brackets.
MAX_STARTS = 1_000


def is_json(value: Json, _: Assertion, answered: Answered) -> Verdict:
    """The whole answer is JSON, of the schema where one is given."""
    try:
        found = strict_decoder().decode(answered.text)
    except (ValueError, RecursionError):
        return binary(False, "is not JSON")
    problem = _violation(value, found, answered.text)
    return binary(problem is None, "is JSON" if problem is None else problem)


def contains_json(value: Json, _: Assertion, answered: Answered) -> Verdict:
    """Somewhere in the answer stands a JSON object or array, of the schema where one is given."""
    problem: str | None = "contains no JSON"
    for found in _objects(answered.text):
        problem = _violation(value, found, answered.text)
        if problem is None:
            break
    return binary(problem is None, "contains JSON" if problem is None else problem)


def _objects(text: str) -> Iterator[Any]:
    decoder, position, starts = strict_decoder(), 0, 0
    while starts < MAX_STARTS:
        position = _next_start(text, position)
        if position < 0:
            return
        starts += 1
        try:
            found, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            position += 1
            continue
        yield found


def _next_start(text: str, position: int) -> int:
    places = [found for mark in "{[" if (found := text.find(mark, position)) >= 0]
    return min(places, default=-1)


@lru_cache(maxsize=1)
def strict_decoder() -> json.JSONDecoder:
    """Reads JSON and nothing more: Python's own takes NaN and Infinity too."""
    return json.JSONDecoder(parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _violation(value: Json, found: Any, text: str) -> str | None:
    if value is None or value == "":
        return None
    try:
        errors = errors_of(schema_of_value(schema_text(value)), found, size=len(text))
    except UnicodeEncodeError:
        return "is JSON with half a surrogate pair, which no UTF-8 text can hold"
    except ValueError:
        return "is JSON that is nested too deeply to be held against a schema"
    if not errors:
        return None
    if any(type(error.kind).__name__ == "BacktrackLimitExceeded" for error in errors):
        raise JudgeFailed(
            "a pattern of the schema was still searching after a million steps\n"
            "  help: nested repetitions such as (a+)+ backtrack; write it without them"
        )
    where = json_path(errors[0].instance_path)
    return f"is JSON, but not of the schema: {where}: {shorten(errors[0].message, 200)}"


IS_JSON = Decided(evaluate=is_json)
CONTAINS_JSON = Decided(evaluate=contains_json)
