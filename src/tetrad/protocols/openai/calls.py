"""Tool calls: put together from their pieces, and written into the conversation again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tetrad.canonical import Json, canonical_json
from tetrad.protocols.openai.json_fields import Unreadable, mapping, sequence, text
from tetrad.results.exchange import UNREADABLE_ARGUMENTS, ToolCall

_OURS = frozenset({"id", "type", "index", "function"})  # what is read and written by itself


def calls_of(value: Any) -> tuple[ToolCall, ...]:
    """The calls of a whole message."""
    parts = PartialCalls()
    for index, part in enumerate(sequence(value, "tool_calls")):
        parts.add({**mapping(part, "tool_calls[]"), "index": index})
    return parts.whole()


def written_call(call: ToolCall) -> dict[str, Any]:
    """A call as the server wrote it, with what it attached: Gemini refuses one without its signature."""
    attached = dict(call.attached or {})
    function = attached.pop("function", None)
    arguments = json.dumps(call.arguments, ensure_ascii=False, default=dict)
    return {
        **attached,
        "id": call.id,
        "type": "function",
        "function": {
            **(function if isinstance(function, Mapping) else {}),
            "name": call.name,
            "arguments": arguments,
        },
    }


@dataclass(slots=True)
class _PartialCall:
    """A tool call that arrives in pieces."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    attached: dict[str, Any] = field(default_factory=dict)

    def goes_on(self, written_id: str) -> bool:
        """Whether a piece with this id, or with none, can be of this call."""
        return not (written_id and self.id) or written_id == self.id

    def attach(self, part: Mapping[str, Any], function: Mapping[str, Any]) -> None:
        self.attached |= _given(part, _OURS)
        if beside := _given(function, frozenset({"name", "arguments"})):
            self.attached["function"] = {**self.attached.get("function", {}), **beside}


class PartialCalls:
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
            raise Unreadable("a tool call's index is not an integer")
        function = mapping(part.get("function") or {}, "tool_calls[].function")
        written_id = text(part.get("id"), "tool_calls[].id")
        name = text(function.get("name"), "tool_calls[].function.name")
        call = self._at.get(index)
        if call is None or not call.goes_on(written_id) or (index is None and name):
            call = self._at[index] = _PartialCall()
            self._in_order.append(call)
        call.id = call.id or written_id
        call.name += name
        call.arguments += _written_arguments(function.get("arguments"))
        call.attach(part, function)

    def whole(self) -> tuple[ToolCall, ...]:
        return tuple(_call(call, place) for place, call in enumerate(self._in_order))


def carried(attached: Mapping[str, Any]) -> Mapping[str, Json] | None:
    """What a server attached, where there is something and canonical JSON can carry it."""
    try:
        canonical_json(attached)
    except (ValueError, RecursionError):
        return None
    return attached or None


def _given(written: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in written.items() if key not in known and value is not None}


def _written_arguments(value: Any) -> str:
    """Arguments are a JSON text; some servers, Ollama's own models among them, send the object."""
    if isinstance(value, str | None):
        return text(value, "tool_calls[].function.arguments")
    return json.dumps(value, ensure_ascii=False)


def _call(call: _PartialCall, place: int) -> ToolCall:
    if not call.name:
        raise Unreadable("a tool call has no name")
    return ToolCall(
        id=call.id or f"call-{place + 1}",  # some servers, such as Ollama's, leave ids out
        name=call.name,
        arguments=_arguments(call.arguments),
        attached=carried(call.attached),
    )


def _arguments(written: str) -> Mapping[str, Json]:
    """The arguments that a model wrote; what is no JSON object is the model's failure, not ours."""
    try:
        arguments: Any = json.loads(written or "{}")
        canonical_json(arguments)  # refuses NaN and what else a digest cannot carry
    except (ValueError, RecursionError):
        return {UNREADABLE_ARGUMENTS: written}
    return arguments if isinstance(arguments, dict) else {UNREADABLE_ARGUMENTS: written}
