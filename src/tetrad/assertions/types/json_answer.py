"""`is-json` and `contains-json`: the answer is JSON, or holds an object, of a schema if one is given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, NoReturn

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import PureAssertion
from tetrad.assertions.forms import is_templated
from tetrad.assertions.lookalikes import seen_forms, unseen_difference_exactly
from tetrad.assertions.score import Score, binary
from tetrad.canonical import Json
from tetrad.errors import JudgeFailed, SpecError
from tetrad.model import Assertion
from tetrad.schemas.check import errors_of
from tetrad.schemas.checked_formats import FORMATS, unchecked_formats
from tetrad.schemas.violations import Problem
from tetrad.text import shorten
from tetrad.yamldoc.document import json_path
from tetrad.yamldoc.jsontext import strict_decoder
from tetrad.yamldoc.parse import Limits, parse

MAX_OBJECT = 100_000  # characters of an object in an answer, as in promptfoo
MAX_LOOKED_AT = 1_000_000  # of all that may be objects together; hostile text is full of braces
_BRACE = re.compile(r"[{}]")
_LIMITS = Limits(max_bytes=4 * MAX_OBJECT, max_nodes=10_000)


@lru_cache(maxsize=256)
def _compiled(schema: str) -> Any:
    """A compiled JSON Schema, given as text; it never reads a file or the network for a `$ref`."""
    import jsonschema_rs

    # Older drafts lack some: draft 7, which promptfoo's files are written in, has no uuid and no duration.
    formats = {name: _of_format(name).is_valid for name in FORMATS}
    return jsonschema_rs.validator_for(
        json.loads(schema), retriever=_refuse, validate_formats=True, formats=formats
    )


@cache
def _of_format(name: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True)


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"a schema may not refer to {uri}")


def _text_of(schema: Json) -> str:
    """The JSON of a schema that is given as a text, in JSON or YAML, or as a mapping."""
    return _json_of(schema) if isinstance(schema, str) else json.dumps(schema, default=dict)


@lru_cache(maxsize=256)
def _json_of(written: str) -> str:
    try:
        strict_decoder().decode(written)
    except (ValueError, RecursionError):
        return json.dumps(parse(written.encode(), "", limits=_LIMITS).value)
    return written


def _problem(value: Json, _: Assertion) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str | bool | Mapping):
        return "needs a JSON Schema as `value`, or none"
    try:
        _compiled(_text_of(value))
    except SpecError as error:
        return f"has no valid JSON Schema as `value`: {shorten(error.issues[0].message, 200)}"
    except ValueError as error:
        why = " ".join(str(error).split()).partition(" Failed validating")[0]
        return f"has no valid JSON Schema as `value`: {shorten(why, 200)}"
    return None


def formats_unchecked_in(value: Json) -> Iterator[Problem]:
    """Those that nothing checks of a schema as a value; without a path where it is given as a text."""
    if isinstance(value, Mapping):
        yield from unchecked_formats(value)
    elif isinstance(value, str) and value and not is_templated(value):
        try:
            schema = json.loads(_json_of(value))
        except SpecError:
            return  # it is no schema, which is reported
        yield from (replace(problem, path=()) for problem in unchecked_formats(schema))


def _grade_whole(value: Json, _: Assertion, answered: Answered) -> Score:
    """The whole answer is JSON, of the schema where one is given."""
    try:
        found = strict_decoder().decode(answered.text)
    except (ValueError, RecursionError):
        return binary(False, "is not JSON")
    problem = _violation(value, found, answered.text)
    return binary(problem is None, "is JSON" if problem is None else problem)


def _grade_part(value: Json, _: Assertion, answered: Answered) -> Score:
    """Somewhere in the answer stands a JSON object, of the schema where one is given."""
    problem: str | None = "contains no JSON"
    for found in _objects(answered.text):
        problem = _violation(value, found, answered.text)
        if problem is None:
            break
    return binary(problem is None, "contains JSON" if problem is None else problem)


def _objects(text: str) -> Iterator[Any]:
    """The objects in a text, outermost first: from a brace to the one that closes it.

    As in promptfoo, an object may be written as YAML writes it, so that single quotes, keys without
    quotes and a comma before the brace do no harm; a list is none.
    """
    ends = _closing_braces(text)
    position = looked_at = 0
    while (position := text.find("{", position)) >= 0 and looked_at < MAX_LOOKED_AT:
        end = ends.get(position)
        if end is None or end - position > MAX_OBJECT:
            position += 1
            continue
        looked_at += end - position
        found = _object(text[position:end])
        position = position + 1 if found is None else end
        if found is not None:
            yield found


def _closing_braces(text: str) -> Mapping[int, int]:
    """The end of what each brace begins, by its place; a brace in a text counts as any other."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for match in _BRACE.finditer(text):
        if match[0] == "{":
            opened.append(match.start())
        elif opened:
            ends[opened.pop()] = match.end()
    return ends


def _object(written: str) -> Any:
    try:
        found = strict_decoder().decode(written)
    except (ValueError, RecursionError):
        try:
            found = parse(written.encode(), "", limits=_LIMITS, bare_keys=True).value
        except (SpecError, UnicodeEncodeError):
            return None
    return found if isinstance(found, dict) else None


def _violation(value: Json, found: Any, text: str) -> str | None:
    if value is None or value == "":
        return None
    try:
        errors = errors_of(_compiled(_text_of(value)), found, size=len(text))
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
    said = f"is JSON, but not of the schema: {where}: {shorten(errors[0].message, 200)}"
    unseen = _unseen(errors[0])
    return f"{said}: {unseen}" if unseen else said


def _unseen(error: Any) -> str:
    """What cannot be seen where a text only seems to be what the schema asks for."""
    text, kind = error.instance, error.kind
    if not isinstance(text, str):
        return ""
    match kind.name:
        case "const":
            wanted = [kind.expected_value]
        case "enum":
            wanted = kind.options
        case "pattern":
            fits = _compiled(json.dumps({"pattern": kind.pattern})).is_valid
            wanted = [form for form in seen_forms(text[:MAX_OBJECT]) if fits(form)]
        case _:
            return ""
    texts = (one for one in wanted if isinstance(one, str))
    return next(filter(None, (unseen_difference_exactly(one, text) for one in texts)), "")


IS_JSON = PureAssertion(
    name="is-json",
    value="nothing, or a JSON Schema, also as a text in JSON or YAML",
    passes_if=(
        "the whole answer is JSON, of that schema; `format` (`date`, `email`, `uri`, …) is checked,"
        " here as in every schema that you write"
    ),
    problem=_problem,
    grade=_grade_whole,
)
CONTAINS_JSON = PureAssertion(
    name="contains-json",
    value="nothing, or a JSON Schema, also as a text in JSON or YAML",
    passes_if="it contains an object, as JSON or YAML writes one, of that schema",
    problem=_problem,
    grade=_grade_part,
)
