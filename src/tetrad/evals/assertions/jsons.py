"""Assertions on JSON in an answer: is-json, contains-json, each with an optional JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NoReturn

from tetrad.canonical import Json
from tetrad.evals.assertions.verdict import Answered, Decided, Verdict, binary
from tetrad.spec.model import Assertion
from tetrad.text import shorten

# Places at which JSON may begin that are tried in one answer; hostile text is full of brackets.
MAX_STARTS = 1_000


def is_json(value: Json, _: Assertion, answered: Answered) -> Verdict:
    """The whole answer is JSON, of the schema where one is given."""
    try:
        found = _decoder().decode(answered.text)
    except (ValueError, RecursionError):
        return binary(False, "is not JSON")
    problem = _violation(value, found)
    return binary(problem is None, "is JSON" if problem is None else problem)


def contains_json(value: Json, _: Assertion, answered: Answered) -> Verdict:
    """Somewhere in the answer stands a JSON object or array, of the schema where one is given."""
    problem: str | None = "contains no JSON"
    for found in _objects(answered.text):
        problem = _violation(value, found)
        if problem is None:
            break
    return binary(problem is None, "contains JSON" if problem is None else problem)


def _objects(text: str) -> Iterator[Any]:
    decoder, position, starts = _decoder(), 0, 0
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
def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _violation(value: Json, found: Any) -> str | None:
    if value is None or value == "":
        return None
    errors = list(_validator(_schema_text(value)).iter_errors(found))
    if not errors:
        return None
    where = "$" + "".join(
        f"[{p}]" if isinstance(p, int) else f".{p}" for p in errors[0].instance_path
    )
    return f"is JSON, but not of the schema: {where}: {shorten(errors[0].message, 200)}"


def _schema_text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=dict)


def _schema_problem(value: Json, _: Assertion) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str | bool | Mapping):
        return "needs a JSON Schema as `value`, or none"
    try:
        _validator(_schema_text(value))
    except ValueError as error:
        return f"has no valid JSON Schema as `value`: {shorten(str(error), 200)}"
    return None


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    """A compiled schema; it never reads a file or the network for a `$ref`."""
    import jsonschema_rs

    return jsonschema_rs.validator_for(json.loads(schema), retriever=_refuse)


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"a schema may not refer to {uri}")


IS_JSON = Decided(problem=_schema_problem, evaluate=is_json)
CONTAINS_JSON = Decided(problem=_schema_problem, evaluate=contains_json)
