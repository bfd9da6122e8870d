"""OpenAI's protocol as bytes: requests written, answers read, nothing sent.

What is written is the common part of what servers of this protocol understand. What is read comes
from outside: whatever is not as it should be raises Unreadable with a reason for people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tetrad.canonical import Json, canonical_json
from tetrad.engines.base import UNREADABLE_ARGUMENTS
from tetrad.results.exchange import (
    Choice,
    Completion,
    JsonOutput,
    Message,
    Request,
    ToolCall,
    ToolDefinition,
    Usage,
)
from tetrad.text import shorten
from tetrad.yamldoc.scalars import LARGEST

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]

_FINISHES: Mapping[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}  # others, such as TGI's eos_token, are a stop


class Unreadable(Exception):
    """An answer that is not of the protocol."""


class Cut(Unreadable):
    """An answer that broke off; the next may not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """Where servers of the protocol differ."""

    constrains: bool = False  # vLLM's `structured_outputs`
    # OpenAI's reasoning models know this limit by `max_completion_tokens` only, most others not
    token_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # noqa: S105 - no password


def path_of(request: Request) -> str:
    return "/completions" if request.style == "completion" else "/chat/completions"


def encode(request: Request, model: str, dialect: Dialect, *, stream: bool) -> bytes:
    """The body of the POST that asks a request."""
    body: dict[str, Any] = {"model": model, **_question(request), **_sampling(request, dialect)}
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=dict).encode()


def decode(body: bytes, request: Request) -> Completion:
    """The answer in a whole response."""
    reply = _mapping(_load(body), "the answer")
    if reply.get("error"):  # routers have said 200 when the model behind them fails
        raise Cut(f"the server answered with an error: {reason_of(body)}")
    choice = _first(reply.get("choices"))
    calls: tuple[ToolCall, ...] = ()
    if request.style == "completion":
        if choice.get("text") is None:
            raise Unreadable("choices[0].text is missing")
        text = _text(choice["text"], "choices[0].text")
    else:
        message = _mapping(choice.get("message"), "choices[0].message")
        text = _content(message)
        calls = _calls(message.get("tool_calls"))
    return _completion(text, calls, choice.get("finish_reason"), reply.get("usage"), request)


class AnswerStream:
    """The answer in server-sent events, put together as they arrive."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._text: list[str] = []
        self._calls = _PartialCalls()
        self._finish: Any = None
        self._usage: Any = None
        self._done = False

    @property
    def begun(self) -> bool:
        """Whether the first token is there."""
        return bool(self._text or self._calls)

    @property
    def done(self) -> bool:
        """Whether the server said that nothing follows."""
        return self._done

    def feed(self, piece: bytes) -> None:
        self._rest += piece
        if b"\n" not in piece:  # looked for in each byte once, however the line is cut
            return
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            event = bytes(line[5:].strip()) if line.startswith(b"data:") else b""
            if event:  # one without data is none, says the format
                self._take(event)

    def completion(self, request: Request) -> Completion:
        """The whole answer; Cut where the stream ended before it."""
        self.feed(b"\n")
        if not self._done and self._finish is None:
            raise Cut("the stream ended before the answer did")
        text, calls = "".join(self._text), self._calls.whole()
        return _completion(text, calls, self._finish, self._usage, request)

    def _take(self, event: bytes) -> None:
        if event == b"[DONE]":
            self._done = True
            return
        chunk = _mapping(_load(event), "a chunk of the stream")
        if chunk.get("error"):
            raise Cut(f"the server broke off: {reason_of(event)}")
        self._usage = chunk.get("usage") or self._usage
        if chunk.get("choices"):  # the last chunk carries usage only
            choice = _first(chunk["choices"])
            self._finish = choice.get("finish_reason") or self._finish
            self._extend(choice)

    def _extend(self, choice: Mapping[str, Any]) -> None:
        if "text" in choice:  # /completions
            text = _text(choice["text"], "choices[0].text")
        else:
            delta = _mapping(choice.get("delta") or {}, "choices[0].delta")
            text = _content(delta)
            for part in _sequence(delta.get("tool_calls"), "tool_calls"):
                self._calls.add(_mapping(part, "tool_calls[]"))
        if text:
            self._text.append(text)


@dataclass(slots=True)
class _PartialCall:
    """A tool call that arrives in pieces."""

    id: str = ""
    name: str = ""
    arguments: str = ""

    def goes_on(self, written_id: str) -> bool:
        """Whether a piece with this id, or with none, can be of this call."""
        return not (written_id and self.id) or written_id == self.id


class _PartialCalls:
    """The calls of a turn. Pieces of one have the same index, and where servers get that wrong, an
    id of their own: Ollama and SGLang have sent 0 for every call, Gemini's endpoint none or null.
    """

    def __init__(self) -> None:
        self._in_order: list[_PartialCall] = []
        self._at: dict[int | None, _PartialCall] = {}

    def __bool__(self) -> bool:
        return bool(self._in_order)

    def add(self, part: Mapping[str, Any]) -> None:
        index = part.get("index")
        if not isinstance(index, int | None):
            raise Unreadable("a tool call's index is no integer")
        function = _mapping(part.get("function") or {}, "tool_calls[].function")
        written_id = _text(part.get("id"), "tool_calls[].id")
        name = _text(function.get("name"), "tool_calls[].function.name")
        call = self._at.get(index)
        if call is None or not call.goes_on(written_id) or (index is None and name):
            call = self._at[index] = _PartialCall()
            self._in_order.append(call)
        call.id = call.id or written_id
        call.name += name
        call.arguments += _text(function.get("arguments"), "tool_calls[].function.arguments")

    def whole(self) -> tuple[ToolCall, ...]:
        return tuple(
            _call(call.id, call.name, call.arguments, place)
            for place, call in enumerate(self._in_order)
        )


def reason_of(body: bytes) -> str:
    """What an error response says, in one line."""
    text = body.decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = text
    if isinstance(said, Mapping):
        error = said.get("error", said)
        message = error.get("message") if isinstance(error, Mapping) else error
        said = message or said.get("message") or said.get("detail") or text
    return shorten(str(said), 300)


def wants_other_token_limit(status: int, body: bytes) -> bool:
    """Whether a refusal says that `max_tokens` is to be called `max_completion_tokens`."""
    return status == 400 and b"max_tokens" in body and b"max_completion_tokens" in body


def _question(request: Request) -> dict[str, Any]:
    if request.style == "completion":
        return {"prompt": "\n\n".join(message.content for message in request.messages)}
    question: dict[str, Any] = {"messages": [_message(message) for message in request.messages]}
    if request.tools:
        question["tools"] = [_tool(tool) for tool in request.tools]
    return question


def _sampling(request: Request, dialect: Dialect) -> dict[str, Any]:
    generation = request.generation
    given = {
        "temperature": generation.temperature,
        dialect.token_limit: generation.max_tokens,
        "top_p": generation.top_p,
        "seed": generation.seed,
        "stop": list(generation.stop) or None,
        **_constraint(request, dialect),
    }
    return {key: value for key, value in given.items() if value is not None}


def _constraint(request: Request, dialect: Dialect) -> dict[str, Any]:
    """How the server is told of the output's form.

    A choice has no portable form: endpoints that lack it ignore or refuse an enum as schema, and a
    schema makes the answer JSON. So it is sent to vLLM only; elsewhere the output contract of the
    stack sees what the model made of the prompt. A schema goes with chat everywhere, with plain
    completions to vLLM.
    """
    match request.constraint:
        case Choice(labels=labels) if dialect.constrains:
            return {"structured_outputs": {"choice": list(labels)}}
        case JsonOutput(schema=schema) if request.style == "chat" or dialect.constrains:
            form = {"name": "answer", "schema": schema, "strict": _is_strict(schema)}
            return {"response_format": {"type": "json_schema", "json_schema": form}}
        case _:
            return {}


def _is_strict(schema: Json) -> bool:
    """Whether OpenAI takes a schema as `strict`: every object closed, all its properties required."""
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if schema.get("type") == "object" or isinstance(properties, Mapping):
            required = schema.get("required", ())
            names = set(properties) if isinstance(properties, Mapping) else set()
            closed = schema.get("additionalProperties") is False
            if not closed or not isinstance(required, Sequence) or names != set(required):
                return False
        return all(_is_strict(value) for value in schema.values())
    if isinstance(schema, Sequence) and not isinstance(schema, str):
        return all(_is_strict(item) for item in schema)
    return True


def _message(message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        written["tool_calls"] = [_written_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        written["tool_call_id"] = message.tool_call_id
    return written


def _written_call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False, default=dict)
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.input_schema,
    }
    return {"type": "function", "function": function}


def _completion(
    text: str, calls: tuple[ToolCall, ...], finish: Any, usage: Any, request: Request
) -> Completion:
    reason: Finish = "tool_calls" if calls else _FINISHES.get(str(finish), "stop")
    return Completion(
        text=text, tool_calls=calls, finish_reason=reason, usage=_usage(usage, request, text)
    )


def _usage(usage: Any, request: Request, text: str) -> Usage:
    """The tokens that the server counted; where it does not say, the bytes as an upper bound.

    Counting nothing instead would let every budget pass that nobody measured.
    """
    if not isinstance(usage, Mapping):
        asked = sum(len(message.content.encode()) for message in request.messages)
        return Usage(input_tokens=asked, output_tokens=len(text.encode()))
    details = usage.get("prompt_tokens_details")
    return Usage(
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        cached_input_tokens=_count(
            details.get("cached_tokens") if isinstance(details, Mapping) else 0
        ),
    )


def _count(value: Any) -> int:
    # A count that no float holds would end a run where its cost is worked out.
    return min(value, LARGEST) if type(value) is int and value > 0 else 0


def _content(message: Mapping[str, Any]) -> str:
    return _text(message.get("content") or message.get("refusal"), "the message's content")


def _calls(value: Any) -> tuple[ToolCall, ...]:
    parts = _PartialCalls()
    for index, part in enumerate(_sequence(value, "tool_calls")):
        parts.add({**_mapping(part, "tool_calls[]"), "index": index})
    return parts.whole()


def _call(written_id: str, name: str, arguments: str, index: int) -> ToolCall:
    if not name:
        raise Unreadable("a tool call has no name")
    # some servers, such as Ollama's, leave ids out
    return ToolCall(
        id=written_id or f"call-{index + 1}", name=name, arguments=_arguments(arguments)
    )


def _arguments(written: str) -> Mapping[str, Json]:
    """The arguments that a model wrote; what is no JSON object is the model's failure, not ours."""
    try:
        arguments: Any = json.loads(written or "{}")
        canonical_json(arguments)  # refuses NaN and what else a digest cannot carry
    except (ValueError, RecursionError):
        return {UNREADABLE_ARGUMENTS: written}
    return arguments if isinstance(arguments, dict) else {UNREADABLE_ARGUMENTS: written}


def _load(written: bytes) -> Any:
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        start = written[:60].decode("utf-8", "replace")
        raise Unreadable(f"the answer is not JSON but begins {start!r}") from None


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable(f"{what} is missing" if value is None else f"{what} is no object")
    return value


def _sequence(value: Any, what: str) -> Sequence[Any]:
    if not isinstance(value, list | None):
        raise Unreadable(f"{what} is no list")
    return value or ()


def _first(choices: Any) -> Mapping[str, Any]:
    if not isinstance(choices, list) or not choices:
        raise Unreadable("the answer has no choices")
    return _mapping(choices[0], "choices[0]")


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str | None):
        raise Unreadable(f"{what} is no text")
    # JSON can escape half a surrogate pair, which no file and no digest can carry
    return (value or "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
