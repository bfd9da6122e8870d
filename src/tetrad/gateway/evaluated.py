"""What a chat request may set: what the stack has anyway, since nothing else was evaluated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tetrad.canonical import Json, as_digested
from tetrad.gateway.refusing import RequestRefused
from tetrad.model import Stack
from tetrad.protocols.openai import SAMPLING
from tetrad.tools import definitions

# Of a request and not of its answer.
_IGNORED = frozenset({"metadata", "prompt_cache_key", "safety_identifier"})
_DEFAULTS: Mapping[str, Json] = {
    "frequency_penalty": 0,
    "logprobs": False,
    "modalities": ["text"],
    "n": 1,
    "parallel_tool_calls": True,
    "presence_penalty": 0,
    "service_tier": "auto",
    "store": False,
    "tool_choice": "auto",
    "tools": [],
}


def refuse_unevaluated(stack: Stack, options: Mapping[str, Json]) -> None:
    """RequestRefused for the first parameter that would change the answer."""
    has = evaluated(stack)
    for name, value in options.items():
        if name in _IGNORED or (name in has and _same(name, value, has[name])):
            continue
        told = f"it is {_shown(has[name])}" if name in has else "it is not set"
        raise RequestRefused(
            400,
            f"{name} is part of what was evaluated, and {told} in {stack.ref}; leave it out",
            param=name,
            code="unsupported_value",
        )


def evaluated(stack: Stack) -> dict[str, Json]:
    """The parameters that a stack sets, with those at the protocol's own defaults."""
    generation = {
        name: as_digested(getattr(stack.generation, field))
        for name, field in SAMPLING.items()
        if getattr(stack.generation, field) not in (None, ())
    }
    has: dict[str, Json] = {**_DEFAULTS, **generation, "response_format": _form(stack)}
    if stack.tools:
        has["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": as_digested(tool.input_schema),
                },
            }
            for tool in definitions(stack.tools)
        ]
    return has


def _form(stack: Stack) -> Mapping[str, Json]:
    output = stack.prompt.output
    if output.format != "json":
        return {"type": "text"}
    if output.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"schema": as_digested(output.schema)}}


def _same(name: str, given: Json, has: Json) -> bool:
    if name == "response_format":
        given = _without_names(given)
    return bool(as_digested(given) == has)


def _without_names(form: Any) -> Any:
    """A form of answers without what is not a rule for them: a schema's name, and how strict it is."""
    inner = form.get("json_schema")
    if not isinstance(inner, dict):
        return form
    return {**form, "json_schema": {k: v for k, v in inner.items() if k == "schema"}}


def _shown(value: Json) -> str:

    written = json.dumps(value, ensure_ascii=False, default=dict)
    return written if len(written) <= 60 else f"{written[:59]}…"
