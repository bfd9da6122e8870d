"""The OpenAPI document, made from what is served now: each stack takes its own variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tetrad import __version__
from tetrad.canonical import as_digested
from tetrad.gateway.fleet import Followed
from tetrad.gateway.incoming import BODY_S, MAX_BODY
from tetrad.gateway.one_request import served_names
from tetrad.gateway.openapi_schemas import HEADERS, PARAMETERS, SCHEMAS, TEXT
from tetrad.gateway.sample_request import sample_variables
from tetrad.model import Stack, Variable

_REFUSALS = {
    400: "The request is malformed, or does not fit the stack.",
    404: "No such stack is served here.",
    408: f"The body did not arrive in {BODY_S:g} s.",
    413: f"The body has more than {MAX_BODY:,} bytes.",
    415: "The body is not application/json.",
    502: "The model server or a tool did not answer.",
    503: "Nothing is served here yet, or the identity was unloaded meanwhile; ask again.",
}


def openapi_document(followed: Followed | None) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    if followed is not None:
        for ref, name in served_names(followed.pointer).items():
            paths[f"/v1/stacks/{name}/answer"] = _answer(name, followed.live(ref).stack)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tetrad gateway",
            "version": __version__,
            "description": "Answers come from the stacks of one environment. Every response carries"
            " `x-tetrad-trace`, and every answer `x-tetrad-identity` and `x-tetrad-deployment`.",
        },
        "paths": {
            **paths,
            **_standing(list(served_names(followed.pointer).values()) if followed else []),
        },
        "components": {"schemas": SCHEMAS, "headers": HEADERS, "parameters": PARAMETERS},
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


def _example(stack: Stack) -> dict[str, Any]:
    return {"variables": as_digested(sample_variables(stack))}


def _answer(name: str, stack: Stack) -> dict[str, Any]:
    operation = {
        "operationId": f"answer {name}",
        "summary": stack.description or f"Ask {name}.",
        "parameters": [{"$ref": f"#/components/parameters/{one}"} for one in PARAMETERS],
        "requestBody": body_of(
            _example(stack),
            {
                "type": "object",
                "properties": {
                    "variables": variables_schema(stack),
                    "user": {
                        "type": "string",
                        "description": "Whose request it is: during a rollout, always the same"
                        " identity answers a user.",
                    },
                },
                "required": ["variables"],
                "additionalProperties": False,
            },
        ),
        "responses": {
            "200": _said("The answer.", "Answer", headers=HEADERS),
            **refusals(400, 408, 413, 415, 502, 503),
        },
    }
    return {"post": operation}


def _standing(names: Sequence[str]) -> dict[str, Any]:
    """What every gateway tells of itself."""
    parameter = {"name": "model", "in": "path", "required": True, "schema": TEXT}
    if names:
        parameter["example"] = names[0]
    return {
        "/v1/models": _get(
            "List the stacks, as OpenAI lists models.", _said("The stacks.", "Models"), 503
        ),
        "/v1/models/{model}": {
            "parameters": [parameter],
            **_get("Tell a stack, as OpenAI tells a model.", _said("It.", "Model"), 404, 503),
        },
        "/identity": _get(
            "Which identities answer each stack here, and their shares in percent.",
            _said("They.", "Standing"),
        ),
        "/readyz": {
            "get": {
                "summary": "Whether requests should be sent here.",
                "responses": {
                    "200": _said("They should.", "Readiness"),
                    "503": _said("They should not, and why.", "Readiness"),
                },
            }
        },
        "/healthz": _get("Whether the process is alive.", _text("It is.")),
        "/metrics": _get("What is counted, for Prometheus.", _text("Metrics.")),
        "/openapi.json": _get("This document.", _json("OpenAPI 3.1.", {"type": "object"})),
        "/docs": _get("This document, for people.", _text("A page.", "text/html")),
    }


def _get(summary: str, answer: Mapping[str, Any], *statuses: int) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {"200": answer, **refusals(*statuses)}}}


def refusals(*statuses: int) -> dict[str, Any]:
    return {str(status): _said(_REFUSALS[status], "Error") for status in statuses}


def _said(
    description: str, schema: str, headers: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    said = _json(description, {"$ref": f"#/components/schemas/{schema}"})
    if headers:
        said["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return said


def _json(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def body_of(example: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    media = {"schema": schema, "example": example}
    return {"required": True, "content": {"application/json": media}}


def _text(description: str, kind: str = "text/plain") -> dict[str, Any]:
    return {"description": description, "content": {kind: {"schema": {"type": "string"}}}}
