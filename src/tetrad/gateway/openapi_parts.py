"""What operations of the OpenAPI document are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tetrad.canonical import as_digested
from tetrad.gateway.incoming import BODY_S, MAX_BODY
from tetrad.gateway.openapi_schemas import HEADERS
from tetrad.model import Stack, Variable

_REFUSALS = {
    400: "The request is malformed, or does not fit the stack.",
    401: "The environment has clients, and the API key is none of theirs.",
    403: "The client may not ask this stack.",
    404: "No such stack is served here.",
    408: f"The body did not arrive in {BODY_S:g} s.",
    413: f"The body has more than {MAX_BODY:,} bytes.",
    415: "The body is not application/json.",
    429: "A limit of the environment, the stack or the client; `Retry-After` says for how long.",
    502: "The model server or a tool did not answer.",
    503: "Nothing is served here yet, or the identity was unloaded meanwhile; ask again.",
}


def refusals(*statuses: int) -> dict[str, Any]:
    return {str(status): said(_REFUSALS[status], "Error") for status in statuses}


def said(description: str, schema: str, headers: Mapping[str, Any] | None = None) -> dict[str, Any]:
    told = json_of(description, {"$ref": f"#/components/schemas/{schema}"})
    if headers:
        told["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return told


def json_of(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def body_of(example: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    media = {"schema": schema, "example": example}
    return {"required": True, "content": {"application/json": media}}


def text_of_kind(description: str, kind: str = "text/plain") -> dict[str, Any]:
    return {"description": description, "content": {kind: {"schema": {"type": "string"}}}}


def answer_of(description: str, schema: str, *, events: str) -> dict[str, Any]:
    """An answer with the identity's headers: whole, or in server-sent events if it was asked so."""
    told = said(description, schema, headers=HEADERS)
    # Without a type: OpenAPI 3.1 does not say whether a schema is that of all events or of one.
    told["content"]["text/event-stream"] = {"schema": {"description": events}}
    return told


USER = {
    "type": ["string", "null"],
    "description": "Whose request it is: during a rollout, one identity answers a user.",
}


def variables_schema(stack: Stack) -> dict[str, Any]:
    """What a stack takes, as JSON Schema."""
    taken = [v for v in stack.prompt.variables.values() if v.name not in stack.filled]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {variable.name: _variable(variable) for variable in taken},
        "additionalProperties": False,
    }
    required = [variable.name for variable in taken if variable.required]
    return {**schema, "required": required} if required else schema


def _variable(variable: Variable) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": variable.type}
    if variable.description:
        schema["description"] = variable.description
    if variable.type == "string" and variable.max_chars is not None:
        schema["maxLength"] = variable.max_chars
    if variable.enum:
        schema["enum"] = list(variable.enum)
    if not variable.required:
        schema["default"] = as_digested(variable.default)
    return schema
