"""JSON Schemas: those of our own kinds, and those that users write.

Validators never fetch: a `$ref` to a file or an address is refused, not followed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from tetrad.errors import Issue, Location, UsageError
from tetrad.schemas.kinds import KINDS
from tetrad.schemas.nearest import nearest
from tetrad.schemas.violations import Problem, bad_names, problems, quoting, shown
from tetrad.yamldoc.document import Document, Path, json_path

_SCHEMAS = FilePath(__file__).parent
SCHEMA_KINDS: tuple[str, ...] = (*KINDS, "golden")


# A key whose text would begin on the next line, at the end of its own.
_BLOCK_TEXT = re.compile(r"([\w.-]+:[ \t]*[|>][-+1-9]*)[ \t]*(?:#[^\n]*)?\Z")
_LOOK_BACK = 200  # characters; a longer line opens no text, and a file may be one line


@cache
def schema_of(kind: str) -> Mapping[str, Any]:
    """The JSON Schema of a kind, as the package ships it."""
    if kind not in SCHEMA_KINDS:
        close = nearest(kind, SCHEMA_KINDS)
        known = ", ".join(SCHEMA_KINDS)
        hint = f"did you mean {close}?" if close else f"kinds are {known}"
        raise UsageError(f"unknown kind {kind!r}\n  help: {hint}")
    schema: Mapping[str, Any] = json.loads(schema_text(kind))
    return schema


def schema_text(kind: str) -> str:
    """The same as text, as it lies in the package."""
    return (_SCHEMAS / f"{kind}.v1.json").read_text(encoding="utf-8")


def check_value(value: Any, kind: str, definition: str | None = None) -> Iterator[Problem]:
    """Every violation by a plain value of the kind's schema, or of one of its `$defs`."""
    if _validator(kind, definition).is_valid(value):
        return
    schema = _part(kind, definition)
    errors = _validator(kind, definition, names=False).iter_errors(value)
    yield from problems(errors, schema, value)
    yield from bad_names(schema, value)


def issue_of(document: Document, problem: Problem) -> Issue:
    """A problem with its place in a document."""
    path = problem.path
    location = document.key_at(path) if problem.at_key else document.at(path)
    key = document.key_span(path) if problem.at_key and not problem.missing else None
    opened = _opened_before(document.text, key.start) if key else None
    if problem.unquoted:
        span = document.span(path)
        problem = replace(problem, hint=quoting(document.text[span.start : span.end]))
    return issue_at(location, _of_text(problem, opened) if opened else problem)


def _opened_before(text: str, key: int) -> re.Match[str] | None:
    """The key of a block text, where one ends the last line with text before an offset."""
    end = key
    while end and text[end - 1].isspace():
        end -= 1
    start = max(text.rfind("\n", max(0, end - _LOOK_BACK), end) + 1, end - _LOOK_BACK, 0)
    return _BLOCK_TEXT.search(text, start, end)


def _of_text(problem: Problem, opened: re.Match[str]) -> Problem:
    """The problem of a line that was meant as text, and stands beside the key of that text."""
    message = f"this line is read as a key, since it is not indented under {opened[1]}"
    return replace(problem, message=message, hint="indent the text by two spaces more")


def issue_at(location: Location, problem: Problem, path: Path | None = None) -> Issue:
    """A problem at a place, for instance at the line that holds the value."""
    written = json_path(problem.path if path is None else path)
    return Issue(location=location, message=problem.message, hint=problem.hint, path=written)


def schema_problem(schema: Any) -> Problem | None:
    """Why a JSON Schema that a user wrote cannot be used; None where it can."""
    import jsonschema_rs

    for error in _meta_schema().iter_errors(schema):
        place = error.instance_path[-1] if error.instance_path else "it"
        message = f"invalid JSON Schema (draft 2020-12): {place} cannot be {shown(error.instance)}"
        return Problem(tuple(error.instance_path), message, _HELP)
    try:
        compile_schema(schema)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        return Problem((), *_why_not_compiled(str(error)))
    return None


@cache
def _meta_schema() -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator({"$ref": _DRAFT})


def _why_not_compiled(said: str) -> tuple[str, str]:
    outside = re.search(r"Resource '(.*?)' is not present", said)
    if outside:
        message = f"this JSON Schema refers to {outside[1]}, and nothing is fetched"
        return message, "a $ref points into the same schema: #/$defs/NAME"
    return f"this JSON Schema cannot be compiled: {_short(said)}", "correct it, or leave it out"


def compile_schema(schema: Any) -> Any:
    """A validator of a user's schema, with `is_valid` and `iter_errors`.

    `format` is checked: a draft may leave that open, and who writes one wants it.
    """
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(
        schema, retriever=_refuse_to_fetch, validate_formats=True
    )


def errors_of(validator: Any, value: Any, *, size: int) -> list[Any]:
    """The errors of a value that takes `size` characters; of a long value the first alone.

    A validator makes every error, a kilobyte each, before it gives the first one, and a model can
    write a list of millions.
    """
    import jsonschema_rs

    if size <= _MOST_CHARS:
        return list(validator.iter_errors(value))
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        return [error]
    return []


_MOST_CHARS = 100_000
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_HELP = "types are string, number, integer, boolean, array, object and null; see https://json-schema.org"


def _refuse_to_fetch(uri: str) -> Any:
    raise ValueError(f"{uri} lies outside the schema, and nothing is fetched")


def _short(text: str) -> str:
    line = " ".join(text.split()).partition(" Failed validating")[0]
    return line if len(line) <= 200 else f"{line[:199]}…"


def _part(kind: str, definition: str | None) -> Mapping[str, Any]:
    """The schema of a kind, or one that is one of its `$defs`."""
    schema = schema_of(kind)
    if definition is None:
        return schema
    return {"$schema": _DRAFT, "$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]}


@cache
def _validator(kind: str, definition: str | None, *, names: bool = True) -> Any:
    """`names`: with `propertyNames`, of which each error holds the whole mapping."""
    import jsonschema_rs

    part = _part(kind, definition)
    schema = dict(part) if names else _without_names(part)
    return jsonschema_rs.Draft202012Validator(schema, retriever=_refuse_to_fetch)


def _without_names(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without `propertyNames` wherever `bad_names` looks for it."""
    found = {key: rule for key, rule in schema.items() if key != "propertyNames"}
    if "properties" in found:
        properties = found["properties"].items()
        found["properties"] = {key: _without_names(part) for key, part in properties}
    if isinstance(found.get("additionalProperties"), Mapping):
        found["additionalProperties"] = _without_names(found["additionalProperties"])
    return found


__all__ = [
    "SCHEMA_KINDS",
    "check_value",
    "compile_schema",
    "errors_of",
    "issue_at",
    "issue_of",
    "schema_of",
    "schema_problem",
    "schema_text",
]
