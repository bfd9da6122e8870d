"""How a server is told of an answer's form, and how the answer comes out of it.

vLLM holds an answer to a choice of labels, or to any JSON Schema. Others take a schema whose root is
an object, and hold to it more or less: labels and other roots are asked for as the one property of
an object. Where a server takes no schema either, the prompt alone says what to write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tetrad.canonical import Json
from tetrad.results.exchange import Choice, Completion, JsonOutput, Request
from tetrad.schemas.embedded import moved

# What a wrapper of JSON takes beside the answer: with a limit meant for a label it would be cut off.
_WRAPPER_TOKENS = 16
_OPENING = re.compile(r'\s*\{\s*"answer"\s*:\s*')
_FENCED = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)
_CLOSING = re.compile(r"\s*\}\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """Where servers of the protocol differ."""

    constrains: bool = False  # vLLM's `structured_outputs`
    takes_form: bool = True  # `response_format` with a schema
    # OpenAI's reasoning models know this limit by `max_completion_tokens` only, most others not
    token_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # noqa: S105 - no password


def form(request: Request, dialect: Dialect) -> Mapping[str, Any]:
    """The fields of the body that bind the answer; a schema goes with plain completions to vLLM only."""
    match request.constraint:
        case Choice(labels=labels) if dialect.constrains:
            return {"structured_outputs": {"choice": list(labels)}}
        case Choice(labels=labels) if request.style == "completion":
            # A plain completion goes on after the label, mostly with an example of its own.
            ends = request.generation.stop or any("\n" in label for label in labels)
            return {} if ends else {"stop": ["\n"]}
        case Choice() | JsonOutput() if _takes_schema(request, dialect):
            schema = _schema(request.constraint, is_any=dialect.constrains)
            named = {"name": "answer", "schema": schema, "strict": is_strict(schema)}
            written = {"response_format": {"type": "json_schema", "json_schema": named}}
            return {**written, **_room(request, dialect)}
        case _:
            return {}


def vllm_would_bind(request: Request) -> bool:
    """Whether vLLM can be told more of the answer's form than other servers."""
    constraint = request.constraint
    return isinstance(constraint, Choice) or (
        constraint is not None and request.style == "completion"
    )


def is_wrapped(request: Request, dialect: Dialect) -> bool:
    """Whether the answer is asked for as the one property of an object."""
    if dialect.constrains or not _takes_schema(request, dialect):
        return False
    match request.constraint:
        case Choice():
            return True
        case JsonOutput(schema=schema):
            return schema.get("type") != "object"
        case _:
            return False


def opened(completion: Completion, request: Request, dialect: Dialect) -> Completion:
    """An answer without the object that it was asked for in; one that came without stays as it is."""
    fenced = _FENCED.fullmatch(completion.text)  # where a server does not hold models to the schema
    text = fenced[1] if fenced else completion.text
    if not is_wrapped(request, dialect) or not (begins := _OPENING.match(text)):
        return completion
    try:
        value, end = json.JSONDecoder().raw_decode(text, begins.end())
    except (ValueError, RecursionError):
        return completion
    if not _CLOSING.fullmatch(text, end):
        return completion
    is_label = isinstance(request.constraint, Choice) and isinstance(value, str)
    return replace(completion, text=value if is_label else text[begins.end() : end])


def _room(request: Request, dialect: Dialect) -> Mapping[str, Any]:
    """What lets the wrapper be written: tokens for it, and no end at a line's."""
    if not is_wrapped(request, dialect):
        return {}
    limit = request.generation.max_tokens
    room: dict[str, Any] = {"stop": None}
    if limit is not None:
        room[dialect.token_limit] = limit + _WRAPPER_TOKENS
    return room


def _takes_schema(request: Request, dialect: Dialect) -> bool:
    return dialect.constrains or (request.style == "chat" and dialect.takes_form)


def _schema(constraint: Choice | JsonOutput, *, is_any: bool) -> Mapping[str, Json]:
    if isinstance(constraint, Choice):
        return _wrapper({"type": "string", "enum": list(constraint.labels)})
    if is_any or constraint.schema.get("type") == "object":
        return constraint.schema
    return _wrapper(moved(constraint.schema, "#/properties/answer"))


def _wrapper(answer: Json) -> Mapping[str, Json]:
    return {
        "type": "object",
        "properties": {"answer": answer},
        "required": ["answer"],
        "additionalProperties": False,
    }


# What OpenAI and Azure both take in a strict schema; either refuses the others with 400.
_STRICT = frozenset({
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf",
    "$ref", "$defs", "definitions", "title", "description",
})  # fmt: skip
_SAYS_WHAT = frozenset({"type", "enum", "const", "anyOf", "$ref"})


def is_strict(schema: Json) -> bool:
    """Whether OpenAI takes a schema as `strict`: an object of its keywords alone, every object in it
    closed, and all their properties required.
    """
    return isinstance(schema, Mapping) and schema.get("type") == "object" and _is_strict(schema)


def _is_strict(schema: Json) -> bool:
    if not isinstance(schema, Mapping) or not schema.keys() <= _STRICT:
        return False
    if not schema.keys() & _SAYS_WHAT or not _is_closed(schema):
        return False
    inner: list[Json] = [schema["items"]] if "items" in schema else []
    for key in ("properties", "$defs", "definitions"):
        named = schema.get(key, {})
        inner += named.values() if isinstance(named, Mapping) else [None]
    options = schema.get("anyOf", [])
    inner += options if isinstance(options, Sequence) and not isinstance(options, str) else [None]
    return all(_is_strict(one) for one in inner)


def _is_closed(schema: Mapping[str, Json]) -> bool:
    kinds = schema.get("type")
    is_object = kinds == "object" or (isinstance(kinds, Sequence) and "object" in kinds)
    if not is_object and "properties" not in schema:
        return True
    properties, required = schema.get("properties", {}), schema.get("required", ())
    if not isinstance(properties, Mapping) or not isinstance(required, Sequence):
        return False
    return schema.get("additionalProperties") is False and set(properties) == set(required)
