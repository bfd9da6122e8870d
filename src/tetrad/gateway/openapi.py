"""The OpenAPI document, made from what is served now: each stack takes its own variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tetrad import __version__
from tetrad.canonical import as_digested
from tetrad.gateway.fleet import Followed
from tetrad.gateway.openapi_chat import chat_operation
from tetrad.gateway.openapi_parts import (
    USER,
    answer_of,
    body_of,
    json_of,
    refusals,
    said,
    text_of_kind,
    variables_schema,
)
from tetrad.gateway.openapi_schemas import (
    CALLS,
    HEADERS,
    MAX_TEXT,
    PARAMETERS,
    RATINGS,
    SCHEMAS,
    TEXT,
    object_of,
)
from tetrad.gateway.routing import served_names
from tetrad.gateway.sample_request import sample_variables
from tetrad.model import Stack


def openapi_document(followed: Followed | None) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    names = {} if followed is None else served_names(followed.pointer)
    stacks = {} if followed is None else {n: followed.live(ref).stack for ref, n in names.items()}
    chatting = {name: stack for name, stack in stacks.items() if stack.prompt.chat is not None}
    if chatting:
        paths["/v1/chat/completions"] = {"post": chat_operation(chatting)}
    for name, stack in stacks.items():
        paths[f"/v1/stacks/{name}/answer"] = _answer(name, stack)
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
            "/v1/feedback": {"post": _feedback()},
            **_standing(list(stacks)),
        },
        "components": {
            "schemas": SCHEMAS,
            "headers": HEADERS,
            "parameters": PARAMETERS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],  # where the environment names clients
    }


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
                    "stream": {
                        "type": "boolean",
                        "default": False,
                        "description": "`delta` events as the answer comes, then `answer` with all"
                        " of it, or `error`.",
                    },
                    "user": USER,
                    "confirmed": {
                        **CALLS,
                        "description": "Calls of destructive tools that the user has confirmed, as"
                        " they stood in `unconfirmed` of an earlier answer.",
                    },
                },
                "required": ["variables"],
                "additionalProperties": False,
            },
        ),
        "responses": {
            "200": answer_of(
                "The answer.",
                "Answer",
                events="`delta` events with a `text`, then `answer` or `error`.",
            ),
            **refusals(400, 401, 403, 408, 413, 415, 429, 502, 503),
        },
    }
    return {"post": operation}


def _feedback() -> dict[str, Any]:
    text = {"type": ["string", "null"], "maxLength": MAX_TEXT}
    trace = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
    return {
        "operationId": "feedback",
        "summary": "Say of an answer whether it was good.",
        "requestBody": body_of(
            {"trace": "4bf92f3577b34da6a3ce929d0e0e4736", "rating": "good"},
            {
                "type": "object",
                "properties": {
                    "trace": {**trace, "description": "The answer's `x-tetrad-trace`."},
                    "rating": {"enum": list(RATINGS)},
                    "comment": text,
                    "correction": {**text, "description": "What should have been answered."},
                },
                "required": ["trace", "rating"],
                "additionalProperties": False,
            },
        ),
        "responses": {
            "201": json_of("It is kept.", object_of(id=TEXT)),
            **refusals(400, 401, 404, 408, 413, 415, 503),
        },
    }


def _standing(names: Sequence[str]) -> dict[str, Any]:
    """What every gateway tells of itself."""
    parameter = {"name": "model", "in": "path", "required": True, "schema": TEXT}
    if names:
        parameter["example"] = names[0]
    return {
        "/v1/models": _get(
            "List the stacks, as OpenAI lists models.", said("The stacks.", "Models"), 401, 503
        ),
        "/v1/models/{model}": {
            "parameters": [parameter],
            **_get(
                "Tell a stack, as OpenAI tells a model.", said("It.", "Model"), 401, 403, 404, 503
            ),
        },
        "/identity": _get(
            "Which identities answer each stack here, and their shares in percent.",
            said("They.", "Standing"),
        ),
        "/readyz": {
            "get": {
                "summary": "Whether requests should be sent here.",
                "responses": {
                    "200": said("They should.", "Readiness"),
                    "503": said("They should not, and why.", "Readiness"),
                },
            }
        },
        "/healthz": _get("Whether the process is alive.", text_of_kind("It is.")),
        "/metrics": _get("What is counted, for Prometheus.", text_of_kind("Metrics.")),
        "/openapi.json": _get("This document.", json_of("OpenAPI 3.1.", {"type": "object"})),
        "/docs": _get("This document, for people.", text_of_kind("A page.", "text/html")),
    }


def _get(summary: str, answer: Mapping[str, Any], *statuses: int) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {"200": answer, **refusals(*statuses)}}}
