"""A chat completions request as a server reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tetrad.canonical import Json
from tetrad.protocols.openai.calls import calls_of
from tetrad.protocols.openai.json_fields import Unreadable
from tetrad.results.exchange import Message, ToolCall

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]

# The names under which a request may set what a stack's `generation` has.
SAMPLING: Mapping[str, str] = {
    "temperature": "temperature",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "top_p": "top_p",
    "seed": "seed",
    "stop": "stop",
}


@dataclass
class InvalidChat(Exception):
    """A request that is not of the protocol; `param` is the parameter at fault."""

    message: str
    param: str | None = None
    code: str | None = None

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatRequest:
    """What a client asks. `options` has every other parameter that it gave and that is not null, by
    its name; `stop` is a list there. Whether it may set them is for the server to say.
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    include_usage: bool = False
    user: str | None = None
    options: Mapping[str, Json] = field(default_factory=dict)


def chat_request(body: Mapping[str, Any]) -> ChatRequest:
    """The request in a body's JSON object; InvalidChat names the parameter that is wrong."""
    given = {key: value for key, value in body.items() if value is not None}
    for name in ("model", "messages"):
        if name not in given:
            raise InvalidChat(f"{name} is missing", name, "missing_required_parameter")
    for name, value in given.items():
        _check(name, value)
    if isinstance(given.get("stop"), str):
        given["stop"] = [given["stop"]]
    stream = given.pop("stream", False)
    return ChatRequest(
        model=given.pop("model"),
        messages=_messages(given.pop("messages")),
        stream=stream,
        include_usage=_include_usage(given.pop("stream_options", None), stream=stream),
        user=given.pop("user", None),
        options=given,
    )


def _check(name: str, value: Any) -> None:
    if name not in _PARAMETERS:
        raise InvalidChat(f"unknown parameter {name!r}", name, "unknown_parameter")
    expected, is_valid = _PARAMETERS[name]
    if not is_valid(value):
        raise _invalid(name, expected)


def _invalid(param: str, expected: str) -> InvalidChat:
    return InvalidChat(f"{param} must be {expected}", param, "invalid_value")


def _include_usage(options: Mapping[str, Any] | None, *, stream: bool) -> bool:
    if options is None:
        return False
    if not stream:
        raise InvalidChat("stream_options is only for `stream: true`", "stream_options")
    for name in options.keys() - {"include_usage", "include_obfuscation"}:
        param = f"stream_options.{name}"
        raise InvalidChat(f"unknown parameter {param!r}", param, "unknown_parameter")
    for name, value in options.items():
        if not isinstance(value, bool | None):
            raise _invalid(f"stream_options.{name}", "true or false")
    return bool(options.get("include_usage"))


def _messages(written: list[Any]) -> tuple[Message, ...]:
    if not written:
        raise _invalid("messages", "an array of at least one message")
    return tuple(_message(one, f"messages[{place}]") for place, one in enumerate(written))


def _message(written: Any, param: str) -> Message:
    if not isinstance(written, dict):
        raise _invalid(param, "an object")
    role = written.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise _invalid(f"{param}.role", f"one of {', '.join(sorted(_ROLES))}")
    if unknown := written.keys() - _MESSAGE_KEYS:
        name = f"{param}.{min(unknown)}"
        raise InvalidChat(f"unknown parameter {name!r}", name, "unknown_parameter")
    calls = _calls(written.get("tool_calls"), f"{param}.tool_calls", role)
    result_of = written.get("tool_call_id")
    if (role == "tool") is not isinstance(result_of, str):
        raise _invalid(f"{param}.tool_call_id", "a string in a message of the role tool alone")
    content = written.get("content")
    if content is None and (calls or written.get("refusal") is not None):
        content = written.get("refusal") or ""
    text = _text(content, f"{param}.content")
    return Message(role=_ROLES[role], content=text, tool_calls=calls, tool_call_id=result_of)


def _calls(written: Any, param: str, role: str) -> tuple[ToolCall, ...]:
    if written is None:
        return ()
    if role != "assistant":
        raise InvalidChat(f"{param} is only for messages of the role assistant", param)
    try:
        return calls_of(written)
    except Unreadable as error:
        raise InvalidChat(f"{param}: {error}", param, "invalid_value") from error


def _text(content: Any, param: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise _invalid(param, "a string or an array of parts")
    return "".join(_part(one, f"{param}[{place}]") for place, one in enumerate(content))


def _part(written: Any, param: str) -> str:
    if not isinstance(written, dict):
        raise _invalid(param, "an object")
    if written.get("type") != "text":
        raise InvalidChat(
            f"{param} has the type {written.get('type')!r}; only text is taken",
            f"{param}.type",
            "unsupported_content",
        )
    if not isinstance(written.get("text"), str):
        raise _invalid(f"{param}.text", "a string")
    text: str = written["text"]
    return text


def _is_number(least: float, most: float) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int | float) and type(v) is not bool and least <= v <= most


def _is_integer(least: int, most: int = 2**64 - 1) -> Callable[[Any], bool]:
    return lambda v: type(v) is int and least <= v <= most


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, kinds)


def _is_stop(value: Any) -> bool:
    listed = value if isinstance(value, list) else [value]
    return 0 < len(listed) <= 16 and all(isinstance(one, str) and one for one in listed)


_BOOLEAN = ("true or false", _is(bool))
_TEXT = ("a string", _is(str))
_LIST = ("an array", _is(list))
_OBJECT = ("an object", _is(dict))
_NAMED = ("a string or an object", _is(str, dict))
_PENALTY = ("a number from -2 to 2", _is_number(-2, 2))
_LIMIT = ("an integer of at least 1", _is_integer(1))

# https://platform.openai.com/docs/api-reference/chat/create, with what each may be.
_PARAMETERS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "audio": _OBJECT,
    "frequency_penalty": _PENALTY,
    "function_call": _NAMED,
    "functions": _LIST,
    "logit_bias": _OBJECT,
    "logprobs": _BOOLEAN,
    "max_completion_tokens": _LIMIT,
    "max_tokens": _LIMIT,
    "messages": _LIST,
    "metadata": _OBJECT,
    "modalities": _LIST,
    "model": _TEXT,
    "n": ("an integer from 1 to 128", _is_integer(1, 128)),
    "parallel_tool_calls": _BOOLEAN,
    "prediction": _OBJECT,
    "presence_penalty": _PENALTY,
    "prompt_cache_key": _TEXT,
    "prompt_cache_retention": _TEXT,
    "reasoning_effort": _TEXT,
    "response_format": _OBJECT,
    "safety_identifier": _TEXT,
    "seed": ("an integer", _is_integer(-(2**63))),
    "service_tier": _TEXT,
    "stop": ("a string or an array of 1 to 16 strings, none of them empty", _is_stop),
    "store": _BOOLEAN,
    "stream": _BOOLEAN,
    "stream_options": _OBJECT,
    "temperature": ("a number from 0 to 2", _is_number(0, 2)),
    "tool_choice": _NAMED,
    "tools": _LIST,
    "top_logprobs": ("an integer from 0 to 20", _is_integer(0, 20)),
    "top_p": ("a number from 0 to 1", _is_number(0, 1)),
    "user": _TEXT,
    "verbosity": _TEXT,
    "web_search_options": _OBJECT,
}
_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_MESSAGE_KEYS = frozenset({
    "role", "content", "name", "refusal", "tool_calls", "tool_call_id", "audio", "function_call",
    "annotations", "reasoning_content",  # what clients send back of an answer as they got it
})  # fmt: skip
