"""The schemas, headers and parameters that operations of the OpenAPI document share."""

from __future__ import annotations

from typing import Any

RATINGS = ("good", "bad")  # of feedback
MAX_TEXT = 10_000  # characters of its comment, and of its correction


def object_of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


TEXT = {"type": "string"}
CALLS = {
    "type": "array",
    "items": {**object_of(tool=TEXT, arguments={"type": "object"}), "additionalProperties": False},
}
_FUNCTION = object_of(name=TEXT, arguments={**TEXT, "description": "A JSON object."})
TOOL_CALLS = {
    "type": "array",
    "items": object_of(id=TEXT, type={"const": "function"}, function=_FUNCTION),
    "description": "Calls of destructive tools that wait for a confirmation.",
}
IDENTITY = {"type": "string", "pattern": "^tetrad:[0-9a-f]{64}$"}
FALLBACK = {"enum": ["previous", "stack", "fixed"]}
_TOKENS = {"type": ["integer", "null"], "minimum": 0}

HEADERS: dict[str, Any] = {
    "x-tetrad-identity": {
        "description": "The identity that answered; none for a fixed answer.",
        "required": True,
        "schema": {"anyOf": [IDENTITY, {"const": "none"}]},
    },
    "x-tetrad-deployment": {
        "description": "The environment, and the number of its pointer.",
        "required": True,
        "schema": TEXT,
    },
    "x-tetrad-trace": {
        "description": "The request's trace id: that of `traceparent`, where it was given.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    },
    "x-tetrad-fallback": {
        "description": "What answered where the chosen identity could not.",
        "schema": FALLBACK,
    },
    "x-tetrad-cache": {
        "description": "The answer to an equal request, given `Age` seconds ago.",
        "schema": {"const": "hit"},
    },
    "x-tetrad-budget-warning": {
        "description": "More was spent today than a limit warns of.",
        "schema": TEXT,
    },
}
PARAMETERS: dict[str, Any] = {
    name: {"name": name, "in": "header", "description": description, "schema": TEXT}
    for name, description in {
        "x-tetrad-user": "As `user` in the body, which counts first.",
        "x-tetrad-conversation": "Whose requests one identity answers, where no user is given.",
        "traceparent": "W3C Trace Context, which the request's trace is taken from.",
    }.items()
}
_MESSAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "role": {"const": "assistant"},
        "content": {"type": ["string", "null"]},
        "refusal": {"type": "null"},
        "tool_calls": TOOL_CALLS,
    },
    "required": ["role", "content", "refusal"],
}
SCHEMAS: dict[str, Any] = {
    "Error": object_of(
        error=object_of(
            message=TEXT,
            type=TEXT,
            param={"type": ["string", "null"]},
            code=TEXT,
        )
    ),
    "Answer": object_of(
        answer=TEXT,
        stack=TEXT,
        identity={"anyOf": [IDENTITY, {"type": "null"}]},
        deployment=TEXT,
        trace=TEXT,
        fallback={"enum": [*FALLBACK["enum"], None]},
        finish_reason={"enum": ["stop", "length", "content_filter"]},
        sources={
            "type": "array",
            "items": object_of(
                document=TEXT, chunk={"type": "integer"}, text=TEXT, score={"type": "number"}
            ),
        },
        guardrails={"type": "array", "items": object_of(rule=TEXT, detail=TEXT)},
        unconfirmed=CALLS,
        usage=object_of(
            input_tokens=_TOKENS,
            output_tokens=_TOKENS,
            cached_input_tokens={"type": "integer", "minimum": 0},
        ),
    ),
    "Completion": object_of(
        id=TEXT,
        object={"const": "chat.completion"},
        created={"type": "integer"},
        model=TEXT,
        system_fingerprint={**IDENTITY, "description": "The identity that answered."},
        choices={
            "type": "array",
            "items": object_of(
                index={"const": 0},
                message=_MESSAGE,
                logprobs={"type": "null"},
                finish_reason={"enum": ["stop", "length", "content_filter", "tool_calls"]},
            ),
        },
    ),
    "Model": object_of(
        id=TEXT, object={"const": "model"}, created={"type": "integer"}, owned_by=TEXT
    ),
    "Models": object_of(
        object={"const": "list"},
        data={"type": "array", "items": {"$ref": "#/components/schemas/Model"}},
    ),
    "Readiness": object_of(ready={"type": "boolean"}, problem=TEXT),
    "Standing": object_of(
        environment=TEXT,
        number={"type": "integer", "minimum": 0},
        gateway=TEXT,
        release=TEXT,
        ready={"type": "boolean"},
        stacks={
            "type": "object",
            "additionalProperties": object_of(
                answering={
                    "type": "array",
                    "items": object_of(
                        identity=IDENTITY, commit=TEXT, since=TEXT, percent={"type": "number"}
                    ),
                },
                warm={
                    "type": "array",
                    "items": object_of(
                        identity=IDENTITY, commit=TEXT, since=TEXT, loaded={"type": "boolean"}
                    ),
                },
                withdrawn={"type": "array", "items": object_of(identity=IDENTITY, reason=TEXT)},
            ),
        },
    ),
}
