"""Chat completions in the OpenAPI document: what each stack takes, with the values that it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tetrad.canonical import Json
from tetrad.gateway.chat_turns import CONFIRMED
from tetrad.gateway.evaluated import evaluated
from tetrad.gateway.openapi_parts import USER, answer_of, body_of, refusals
from tetrad.gateway.openapi_schemas import PARAMETERS, TOOL_CALLS
from tetrad.gateway.sample_request import sample_variables
from tetrad.model import Stack


def chat_operation(stacks: Mapping[str, Stack]) -> dict[str, Any]:
    """Of all stacks whose prompts take a conversation."""
    name, first = next(iter(stacks.items()))
    example = {"model": name, "messages": [{"role": "user", "content": _asked(first)}]}
    bodies = [body for name, stack in stacks.items() for body in _bodies(name, stack)]
    return {
        "operationId": "chat",
        "summary": "Ask a stack by OpenAI's chat completions. What was evaluated cannot be set:"
        " parameters are refused unless they are the stack's own.",
        "parameters": [{"$ref": f"#/components/parameters/{one}"} for one in PARAMETERS],
        "requestBody": body_of(example, {"anyOf": bodies}),
        "responses": {
            "200": answer_of(
                "The answer.",
                "Completion",
                events="`chat.completion.chunk` objects, then `[DONE]`.",
            ),
            **refusals(400, 401, 403, 404, 408, 413, 415, 429, 502, 503),
        },
    }


def _bodies(name: str, stack: Stack) -> tuple[dict[str, Any], dict[str, Any]]:
    """A request to a stack: for a whole answer, and for a streamed one."""
    settings = {parameter: {"enum": [value, None]} for parameter, value in evaluated(stack).items()}
    common: dict[str, Any] = {
        "model": {"const": name},
        "messages": _messages(stack),
        "user": USER,
        **settings,
    }
    whole = {**common, "stream": {"enum": [False, None]}}
    options = {
        "type": ["object", "null"],
        "properties": {"include_usage": {"type": ["boolean", "null"]}},
        "additionalProperties": False,
    }
    streamed = {**common, "stream": {"const": True}, "stream_options": options}
    return (
        _object(whole, required=["model", "messages"]),
        _object(streamed, required=["model", "messages", "stream"]),
    )


def _messages(stack: Stack) -> dict[str, Any]:
    """The user's message alone, or a conversation that ends with it where history is kept; and what
    confirms a call of a destructive tool.
    """
    chat = stack.prompt.chat
    has_history = chat is not None and chat.history is not None
    confirms = any(tool.effect == "destructive" for tool in stack.tools)
    if not has_history and not confirms:
        longest = stack.prompt.variables[chat.input].max_chars if chat else None
        user = _message({"const": "user"}, longest)
        return {"type": "array", "items": user, "minItems": 1, "maxItems": 1}
    turn = _message({"enum": ["user", "assistant"]}, None)
    told = "The last one is the user's"
    if not confirms:
        return {"type": "array", "items": turn, "minItems": 1, "description": f"{told}."}
    return {
        "type": "array",
        "items": {"anyOf": [turn, *_CONFIRMING]},
        "minItems": 1,
        "description": f"{told}, or confirms a call of the answer before.",
    }


def _message(role: Mapping[str, Json], max_chars: int | None) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string"}
    if max_chars is not None:
        text["maxLength"] = max_chars
    part = _object(
        {"type": {"const": "text"}, "text": text}, required=["type", "text"], closed=False
    )
    parts = {"type": "array", "items": part}
    return _object(
        {"role": role, "content": {"anyOf": [text, parts]}}, required=["role", "content"]
    )


def _object(
    properties: Mapping[str, Any], *, required: list[str], closed: bool = True
) -> dict[str, Any]:
    written = {"type": "object", "properties": properties, "required": required}
    return {**written, "additionalProperties": False} if closed else written


def _asked(stack: Stack) -> Json:
    chat = stack.prompt.chat
    return sample_variables(stack)[chat.input] if chat else ""


# An answer with calls, as it came; and what confirms one of them.
_CONFIRMING = (
    _object(
        {"role": {"const": "assistant"}, "tool_calls": TOOL_CALLS},
        required=["role", "tool_calls"],
        closed=False,
    ),
    _object(
        {
            "role": {"const": "tool"},
            "tool_call_id": {"type": "string"},
            "content": {"type": "string", "description": f"`{CONFIRMED}`, or why not."},
        },
        required=["role", "tool_call_id", "content"],
    ),
)
