"""How answers and outcomes are written in the registry: compact JSON, nothing that is at its default.

Traces are left out: they are made again from the answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from tetrad.results.exchange import Completion, ToolCall, Usage
from tetrad.results.outcome import AssertionResult, CaseOutcome, Sample
from tetrad.results.trace import Guarded

if TYPE_CHECKING:
    import jsonschema_rs

# What an answer looks like in the registry: an earlier or a later tetrad may have written another.
_COUNT = {"type": ["integer", "null"], "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
_ANSWER: dict[str, Any] = {
    "type": "object",
    "required": ["text", "usage"],
    "properties": {
        "text": {"type": "string"},
        "tool_calls": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name", "arguments"],
                "properties": {
                    "id": {"type": "string"},
                    "name": {"type": "string"},
                    "arguments": {"type": "object"},
                    "attached": {"type": "object"},
                },
            },
        },
        "attached": {"type": "object"},
        "finish": {"enum": ["length", "tool_calls", "content_filter"]},
        "usage": {
            "type": "array",
            "prefixItems": [_COUNT, _COUNT, {"type": "integer", "minimum": 0}],
            "minItems": 3,
            "maxItems": 3,
        },
        "latency_s": _SECONDS,
        "first_token_s": _SECONDS,
        "likelihoods": {"type": "object", "additionalProperties": {"type": "number"}},
        "system_fingerprint": {"type": "string"},
    },
}
# Made once: json.dumps with options builds an encoder at each call.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dump_completion(completion: Completion) -> bytes:
    document: dict[str, Any] = {"text": completion.text}
    if completion.tool_calls:
        document["tool_calls"] = [_dump_call(call) for call in completion.tool_calls]
    if completion.attached is not None:
        document["attached"] = completion.attached
    if completion.finish_reason != "stop":
        document["finish"] = completion.finish_reason
    document["usage"] = _dump_usage(completion.usage)
    if completion.latency_s is not None:
        document["latency_s"] = completion.latency_s
    if completion.first_token_s is not None:
        document["first_token_s"] = completion.first_token_s
    if completion.likelihoods is not None:
        document["likelihoods"] = dict(completion.likelihoods)
    if completion.system_fingerprint is not None:
        document["system_fingerprint"] = completion.system_fingerprint
    return _bytes_of(document)


def load_completion(data: bytes) -> Completion:
    """ValueError for what does not look like an answer as it is written now."""
    document = json.loads(data)
    if not _answer_validator().is_valid(document):
        raise ValueError("an answer in a shape that is not read")
    calls = document.get("tool_calls", ())
    return Completion(
        text=document["text"],
        tool_calls=tuple(
            ToolCall(
                id=call["id"],
                name=call["name"],
                arguments=call["arguments"],
                attached=call.get("attached"),
            )
            for call in calls
        ),
        attached=document.get("attached"),
        finish_reason=document.get("finish", "stop"),
        usage=_load_usage(document["usage"]),
        latency_s=document.get("latency_s"),
        first_token_s=document.get("first_token_s"),
        likelihoods=document.get("likelihoods"),
        system_fingerprint=document.get("system_fingerprint"),
        cached=True,
    )


@cache
def _answer_validator() -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(_ANSWER)


def dump_outcome(outcome: CaseOutcome) -> bytes:
    document: dict[str, Any] = {"id": outcome.id, "line": outcome.line}
    if outcome.group is not None:
        document["group"] = outcome.group
    if outcome.tags:
        document["tags"] = outcome.tags
    document["samples"] = [_dump_sample(sample) for sample in outcome.samples]
    return _bytes_of(document)


def load_outcome(data: bytes) -> CaseOutcome:
    document = json.loads(data)
    return CaseOutcome(
        id=document["id"],
        group=document.get("group"),
        tags=tuple(document.get("tags", ())),
        line=document["line"],
        samples=tuple(_load_sample(sample) for sample in document["samples"]),
    )


def _dump_sample(sample: Sample) -> Mapping[str, Any]:
    document: dict[str, Any] = {
        "output": sample.output,
        "passed": sample.passed,
        "metrics": dict(sample.metrics),
        "assertions": [
            (a.type, a.metric, a.passed, a.score, a.weight, a.reason) for a in sample.assertions
        ],
        "usage": _dump_usage(sample.usage),
    }
    if sample.error is not None:
        document["error"] = sample.error
    if sample.cost_usd is not None:
        document["cost_usd"] = sample.cost_usd
    if sample.latency_s is not None:
        document["latency_s"] = sample.latency_s
    if sample.breaches:
        document["breaches"] = [(breach.rule, breach.detail) for breach in sample.breaches]
    return document


def _load_sample(document: Mapping[str, Any]) -> Sample:
    return Sample(
        output=document["output"],
        error=document.get("error"),
        passed=document["passed"],
        metrics=document["metrics"],
        assertions=tuple(
            AssertionResult(
                type=type_, metric=metric, passed=passed, score=score, weight=weight, reason=reason
            )
            for type_, metric, passed, score, weight, reason in document["assertions"]
        ),
        usage=_load_usage(document["usage"]),
        cost_usd=document.get("cost_usd"),
        latency_s=document.get("latency_s"),
        breaches=tuple(
            Guarded(rule=rule, detail=detail) for rule, detail in document.get("breaches", ())
        ),
    )


def _dump_call(call: ToolCall) -> Mapping[str, Any]:
    document: dict[str, Any] = {"id": call.id, "name": call.name, "arguments": call.arguments}
    if call.attached is not None:
        document["attached"] = call.attached
    return document


def _dump_usage(usage: Usage) -> tuple[int | None, int | None, int]:
    return (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens)


def _load_usage(counts: tuple[int | None, int | None, int]) -> Usage:
    given, made, cached = counts
    return Usage(input_tokens=given, output_tokens=made, cached_input_tokens=cached)


def _bytes_of(document: Mapping[str, Any]) -> bytes:
    # A model may answer with a lone surrogate (from a JSON escape); UTF-8 proper has no bytes for it.
    return _encode(document).encode("utf-8", "surrogatepass")
