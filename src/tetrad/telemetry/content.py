"""What was asked and answered, as attributes of spans: off unless it is asked for, and redacted.

The shape of messages is that of OpenTelemetry's conventions for generative AI.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tetrad.results.exchange import Completion, Message, Request, ToolCall
from tetrad.results.trace import Called, Generated, Retrieved
from tetrad.runtime.observing import Ended
from tetrad.runtime.redaction import redacted, redacted_json
from tetrad.telemetry import conventions as names

# By which all instrumentations of generative AI are asked for content.
SETTING = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_ON = frozenset({"true", "span_only", "span_and_event"})


def is_asked_for(environment: Mapping[str, str]) -> bool:
    return environment.get(SETTING, "").strip().lower() in _ON


def of(outcome: Ended) -> Mapping[str, str]:
    """What was said in a step."""
    match outcome:
        case Retrieved():
            return {names.RETRIEVAL_QUERY: redacted(outcome.query)}
        case Generated():
            messages = [_message(message) for message in outcome.request.messages]
            return {
                names.INPUT_MESSAGES: _written(messages),
                names.OUTPUT_MESSAGES: _written([_answer(outcome.completion)]),
            }
        case Called():
            result = outcome.result if outcome.error is None else outcome.error
            return {
                names.TOOL_CALL_ARGUMENTS: _written(outcome.call.arguments),
                names.TOOL_CALL_RESULT: _written(result),
            }
        case Request():
            return {}  # the generation says it
        case _:
            details = "\n".join(redacted(found.detail) for found in outcome)
            return {"tetrad.guardrail.detail": details} if details else {}


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        answer = {
            "type": "tool_call_response",
            "id": message.tool_call_id,
            "response": message.content,
        }
        return {"role": "tool", "parts": [answer]}
    return {"role": message.role, "parts": _parts(message.content, message.tool_calls)}


def _answer(completion: Completion) -> dict[str, Any]:
    reason = "tool_call" if completion.finish_reason == "tool_calls" else completion.finish_reason
    parts = _parts(completion.text, completion.tool_calls)
    return {"role": "assistant", "parts": parts, "finish_reason": reason}


def _parts(text: str, calls: tuple[ToolCall, ...]) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = [{"type": "text", "content": text}] if text else []
    asked = [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
        for call in calls
    ]
    return said + asked


def _written(value: Any) -> str:
    return json.dumps(redacted_json(value), ensure_ascii=False, default=dict)
