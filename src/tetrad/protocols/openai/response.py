"""The answer in a response: whole, or in server-sent events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from tetrad.protocols.openai.calls import PartialCalls, calls_of, carried
from tetrad.protocols.openai.json_fields import (
    Cut,
    Unreadable,
    first_choice,
    load,
    mapping,
    sequence,
    text,
)
from tetrad.protocols.openai.refusal import reason_of
from tetrad.protocols.openai.usage import usage_of
from tetrad.results.exchange import Completion, Request, ToolCall
from tetrad.text import shorten

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]

_FINISHES: Mapping[str, Finish] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",  # Mistral's
    "content_filter": "content_filter",
    # Gemini's, which gateways hand on
    "safety": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
    "guardrail_intervened": "content_filter",  # Bedrock's
    "refusal": "content_filter",  # Anthropic's
}  # others, such as TGI's eos_token, are a stop
# With which an answer may be empty; what a server calls otherwise may be a failure of its own.
_MAY_BE_EMPTY = frozenset({
    *_FINISHES, "stop", "eos", "eos_token", "stop_sequence", "end_turn", "complete",
})  # fmt: skip
# The server says 200 and did not answer: DeepSeek's overload, Gemini's unusable call, vLLM's abort.
_FAILURES = frozenset({
    "error", "failed", "abort", "cancelled", "network_error", "insufficient_system_resource",
    "malformed_function_call", "unexpected_tool_call", "timeout", "server_error",
})  # fmt: skip
# What belongs to a turn with tool calls beside its text, and is asked back for in the next step:
# DeepSeek's and vLLM's thinking, OpenRouter's, Anthropic's signed blocks, Gemini's signature.
_ATTACHED = (
    "reasoning_content", "reasoning", "reasoning_details", "thinking_blocks", "extra_content",
    "thought_signature", "provider_specific_fields",
)  # fmt: skip


def decode(body: bytes, request: Request) -> Completion:
    """The answer in a whole response."""
    reply = mapping(load(body), "the answer")
    if reply.get("error"):  # routers have said 200 when the model behind them fails
        raise Cut(f"the server answered with an error: {reason_of(body)}")
    choice = first_choice(reply)
    finish, usage = choice.get("finish_reason"), reply.get("usage")
    if request.style == "completion":
        _refuse_failed(choice)
        if choice.get("text") is None:
            raise Unreadable("choices[0].text is missing")
        written = text(choice["text"], "choices[0].text")
        return replace(
            _completion(written, (), finish, usage), system_fingerprint=_fingerprint(reply)
        )
    _refuse_failed(choice)
    message = mapping(choice.get("message"), "choices[0].message")
    attached = {key: message[key] for key in _ATTACHED if message.get(key)}
    content = message.get("content")
    if content == "" or isinstance(content, list):
        attached["content"] = content
    calls = calls_of(message.get("tool_calls"))
    completion = _completion(_content(message), calls, finish, usage, attached)
    return replace(completion, system_fingerprint=_fingerprint(reply))


class AnswerStream:
    """The answer in server-sent events, put together as they arrive."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._text: list[str] = []
        self._given = 0  # pieces of it that `fresh` gave
        self._calls = PartialCalls()
        self._attached: dict[str, Any] = {}
        self._finish: Any = None
        self._usage: Any = None
        self._fingerprint: str | None = None
        self._done = False

    @property
    def begun(self) -> bool:
        """Whether the first token is there."""
        return bool(self._text or self._calls)

    @property
    def done(self) -> bool:
        """Whether the server said that nothing follows."""
        return self._done

    def fresh(self) -> str:
        """The text that came since this was last asked for."""
        text = "".join(self._text[self._given :])
        self._given = len(self._text)
        return text

    def feed(self, piece: bytes) -> None:
        self._rest += piece
        if b"\n" not in piece:  # looked for in each byte once, however the line is cut
            return
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            event = bytes(line[5:].strip()) if line.startswith(b"data:") else b""
            if event:  # one without data is none, says the format
                self._take(event)

    def completion(self) -> Completion:
        """The whole answer; Cut where the stream ended before it."""
        self.feed(b"\n")
        if not self._done and self._finish is None:
            raise Cut("the stream ended before the answer did")
        written, calls = "".join(self._text), self._calls.whole()
        completion = _completion(written, calls, self._finish, self._usage, self._attached)
        return replace(completion, system_fingerprint=self._fingerprint)

    def _take(self, event: bytes) -> None:
        if event == b"[DONE]":
            self._done = True
            return
        chunk = mapping(load(event), "a chunk of the stream")
        if chunk.get("error"):
            raise Cut(f"the server broke off: {reason_of(event)}")
        self._usage = chunk.get("usage") or self._usage
        self._fingerprint = _fingerprint(chunk) or self._fingerprint
        if chunk.get("choices"):  # the last chunk carries usage only
            choice = first_choice(chunk)
            _refuse_failed(choice)
            self._finish = choice.get("finish_reason") or self._finish
            self._extend(choice)

    def _extend(self, choice: Mapping[str, Any]) -> None:
        if "text" in choice:  # /completions
            piece = text(choice["text"], "choices[0].text")
        else:
            delta = mapping(choice.get("delta") or {}, "choices[0].delta")
            piece = _content(delta)
            for part in sequence(delta.get("tool_calls"), "tool_calls"):
                self._calls.add(mapping(part, "tool_calls[]"))
            for key in _ATTACHED:
                if delta.get(key):
                    self._attached[key] = _extended(self._attached.get(key), delta[key])
        if piece:
            self._text.append(piece)


def _extended(before: Any, piece: Any) -> Any:
    if isinstance(before, str) and isinstance(piece, str):
        return before + piece
    if isinstance(before, list) and isinstance(piece, list):
        return [*before, *piece]
    if isinstance(before, dict) and isinstance(piece, dict):
        return {**before, **piece}
    return piece


def _refuse_failed(choice: Mapping[str, Any]) -> None:
    finish = choice.get("finish_reason")
    error = choice.get("error")
    if not error and str(finish).lower() not in _FAILURES:
        return
    said = error.get("message") if isinstance(error, Mapping) else error
    why = f": {said}" if isinstance(said, str) else ""
    raise Cut(f"the server ended the answer with finish_reason {str(finish)!r}{why}")


def _completion(
    written: str,
    calls: tuple[ToolCall, ...],
    finish: Any,
    usage: Any,
    attached: Mapping[str, Any] | None = None,
) -> Completion:
    if not (written or calls) and str(finish).lower() not in _MAY_BE_EMPTY:
        raise Cut(f"the server answered nothing, with finish_reason {finish!r}")
    reason: Finish = "tool_calls" if calls else _FINISHES.get(str(finish).lower(), "stop")
    return Completion(
        text=written,
        tool_calls=calls,
        attached=carried(attached or {}) if calls else None,  # only such a turn is sent back
        finish_reason=reason,
        usage=usage_of(usage, answered=bool(written or calls)),
    )


def _fingerprint(reply: Mapping[str, Any]) -> str | None:
    """What a vendor says that computed the answer; it is kept with it, and never compared."""
    said = reply.get("system_fingerprint")
    return shorten(text(said, "system_fingerprint"), 100) if isinstance(said, str) else None


def _content(message: Mapping[str, Any]) -> str:
    """The text of a message: as one, or the parts that are text; thinking is none of it."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_part(part) for part in content)
    return text(content or message.get("refusal"), "the message's content")


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    part = mapping(part, "a part of the message's content")
    kind = part.get("type", "text")
    if kind == "refusal":
        return text(part.get("refusal"), "a part's refusal")
    if kind not in {"text", "output_text"}:
        return ""
    return text(part.get("text"), "a part's text")
