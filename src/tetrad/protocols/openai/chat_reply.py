"""Chat completions as a server writes them: whole, in server-sent events, or refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tetrad.protocols.openai.calls import written_call
from tetrad.results.exchange import ToolCall, Usage

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplyHead:
    """What every part of one answer repeats; `created` is in seconds since 1970."""

    id: str
    created: int
    model: str
    system_fingerprint: str | None = None
    metadata: Mapping[str, str] | None = None

    def written(self, kind: str) -> dict[str, Any]:
        written: dict[str, Any] = {
            "id": self.id, "object": kind, "created": self.created, "model": self.model,
        }  # fmt: skip
        if self.system_fingerprint is not None:
            written["system_fingerprint"] = self.system_fingerprint
        if self.metadata is not None:
            written["metadata"] = self.metadata
        return written


def chat_completion(
    head: ReplyHead,
    text: str,
    *,
    finish_reason: str,
    tool_calls: Sequence[ToolCall] = (),
    usage: Usage | None = None,
) -> dict[str, Any]:
    """A whole answer. Without text, `content` is null beside calls and empty alone."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if tool_calls:
        message["content"] = text or None
        message["tool_calls"] = [written_call(call) for call in tool_calls]
    choice = {
        "index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason,
    }  # fmt: skip
    written = {**head.written("chat.completion"), "choices": [choice]}
    if (counted := _usage(usage)) is not None:
        written["usage"] = counted
    return written


class ChatEvents:
    """An answer in server-sent events: `begin`, any number of pieces, `end`."""

    def __init__(self, head: ReplyHead, *, include_usage: bool = False) -> None:
        self._head = head.written("chat.completion.chunk")
        self._include_usage = include_usage

    def begin(self) -> bytes:
        return self.delta({"role": "assistant", "content": "", "refusal": None})

    def text(self, piece: str) -> bytes:
        return self.delta({"content": piece})

    def call(self, call: ToolCall, index: int) -> bytes:
        return self.delta({"tool_calls": [{"index": index, **written_call(call)}]})

    def end(self, finish_reason: str, usage: Usage | None = None) -> bytes:
        """The finish, the usage where it was asked for, and that nothing follows."""
        pieces = [self.delta({}, finish_reason)]
        if self._include_usage:
            pieces.append(event({**self._head, "choices": [], "usage": _usage(usage)}))
        return b"".join([*pieces, DONE])

    def delta(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {
            "index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason,
        }  # fmt: skip
        usage = {"usage": None} if self._include_usage else {}
        return event({**self._head, "choices": [choice], **usage})


def error_body(
    message: str, *, kind: str, param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """An error; `kind` is what the protocol calls its type. In a stream it is an `event`."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def model_entry(name: str, *, created: int, owned_by: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": owned_by}


def model_list(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": list(entries)}


def event(value: Mapping[str, Any]) -> bytes:
    """One server-sent event; JSON writes no newline that would end it."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=dict)
    return b"data: " + written.encode(errors="replace") + b"\n\n"


def _usage(usage: Usage | None) -> dict[str, Any] | None:
    """The tokens, where somebody counted them."""
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens},
    }
