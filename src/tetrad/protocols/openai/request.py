"""The body that asks a request."""

from __future__ import annotations

import json
from typing import Any

from tetrad.protocols.openai.calls import written_call
from tetrad.protocols.openai.form import Dialect, form
from tetrad.results.exchange import Message, Request, ToolDefinition


def path_of(request: Request) -> str:
    return "/completions" if request.style == "completion" else "/chat/completions"


def encode(request: Request, model: str, dialect: Dialect, *, stream: bool) -> bytes:
    """The body of the POST that asks a request."""
    body: dict[str, Any] = {"model": model, **_question(request), **_sampling(request, dialect)}
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=dict).encode()


def _question(request: Request) -> dict[str, Any]:
    if request.style == "completion":
        return {"prompt": "\n\n".join(message.content for message in request.messages)}
    question: dict[str, Any] = {"messages": [_message(message) for message in request.messages]}
    if request.tools:
        question["tools"] = [_tool(tool) for tool in request.tools]
        if not request.may_call:
            question["tool_choice"] = "none"
    return question


def _sampling(request: Request, dialect: Dialect) -> dict[str, Any]:
    generation = request.generation
    given = {
        "temperature": generation.temperature,
        dialect.token_limit: generation.max_tokens,
        "top_p": generation.top_p,
        "seed": generation.seed,
        "stop": list(generation.stop) or None,
        **form(request, dialect),
    }
    return {key: value for key, value in given.items() if value is not None}


def _message(message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        # No text is null by the protocol; Anthropic and Bedrock refuse an empty one. Servers that
        # wrote an empty one themselves have it attached.
        written["content"] = message.content or None
        written["tool_calls"] = [written_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        written["tool_call_id"] = message.tool_call_id
    return {**written, **(message.attached or {})}


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.input_schema,
    }
    return {"type": "function", "function": function}
