"""How a model asks for tools: by its engine's own tool calls, or by constrained JSON.

An engine that knows no tool calls is bound to answer `{"tool": …, "arguments": …}` or
`{"answer": …}`. The tools are described at the end of the system message then, and what a tool
answered comes back as the user's: as JSON, so that nothing in it can pass for anything but data.

Any change of this changes answers: raise `tetrad.identity.RUNTIME`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from tetrad.canonical import Json
from tetrad.results.exchange import (
    Choice,
    Completion,
    Constraint,
    JsonOutput,
    Message,
    Request,
    ToolCall,
    ToolDefinition,
)
from tetrad.results.trace import Called, Guarded
from tetrad.runtime.conversation import continued
from tetrad.runtime.guards import trimmed
from tetrad.schemas.embedded import moved
from tetrad.templates.filters import tojson
from tetrad.yamldoc.jsontext import strict_decoder

MAX_CALLS = 32  # of one turn; a model that asks for more goes round in circles


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelTurn:
    """What a completion says: calls to make, or an answer."""

    calls: tuple[ToolCall, ...] = ()
    answer: str = ""
    guarded: tuple[Guarded, ...] = ()


class ToolDialect(Protocol):
    """A way in which a model calls tools."""

    def ask(self, request: Request, *, last: bool) -> Request:
        """A request that may be answered by calls; in the `last` step it may not."""

    def calling(self, calls: Sequence[ToolCall]) -> Sequence[Completion]:
        """The turns in which a model would have asked for these calls."""

    def read(self, completion: Completion, step: int) -> ModelTurn: ...

    def after(
        self, messages: Sequence[Message], completion: Completion, called: Sequence[Called]
    ) -> tuple[Message, ...]:
        """The messages with the calls and what they brought."""


class Native:
    """By the engine's own tool calls, and messages of the role `tool`.

    While tools are offered the engine is not bound to the output contract: a server that is would
    never write a call. The last step names them without offering them, once there were calls:
    Bedrock and Anthropic refuse messages with calls of tools that the request does not name.
    """

    def __init__(self, tools: tuple[ToolDefinition, ...], *, constraint: Constraint | None) -> None:
        self._tools = tools
        self._constraint = constraint

    def ask(self, request: Request, *, last: bool) -> Request:
        if last:
            called = any(message.tool_calls for message in request.messages)
            tools = self._tools if called else ()
            return replace(request, tools=tools, may_call=not called, constraint=self._constraint)
        return replace(request, tools=self._tools, constraint=None)

    def calling(self, calls: Sequence[ToolCall]) -> Sequence[Completion]:
        # Nine letters and digits, as Mistral's servers take them.
        named = (replace(call, id=f"earlier{n:02}") for n, call in enumerate(calls))
        return (Completion(text="", tool_calls=tuple(named), finish_reason="tool_calls"),)

    def read(self, completion: Completion, step: int) -> ModelTurn:  # noqa: ARG002 - calls bring their ids
        return ModelTurn(calls=completion.tool_calls, answer=completion.text)

    def after(
        self, messages: Sequence[Message], completion: Completion, called: Sequence[Called]
    ) -> tuple[Message, ...]:
        asked = Message(
            role="assistant",
            content=completion.text,
            tool_calls=completion.tool_calls,
            attached=completion.attached,
        )
        results = (
            Message(role="tool", content=_written(_came_back(one)), tool_call_id=one.call.id)
            for one in called
        )
        return (*messages, asked, *results)


class AsJson:
    """By JSON that the engine is bound to."""

    def __init__(
        self,
        tools: Sequence[ToolDefinition],
        *,
        style: Literal["chat", "completion"],
        constraint: Constraint | None,
    ) -> None:
        calls = [_call_schema(tool, f"#/anyOf/{place}") for place, tool in enumerate(tools)]
        answer = _answer_schema(constraint, f"#/anyOf/{len(calls)}")
        self._open = JsonOutput(schema={"anyOf": [*calls, answer]})
        self._closing = JsonOutput(schema=_answer_schema(constraint, "#"))
        self._names = frozenset(tool.name for tool in tools)
        self._completion = style == "completion"

    def ask(self, request: Request, *, last: bool) -> Request:
        return replace(request, constraint=self._closing if last else self._open)

    def calling(self, calls: Sequence[ToolCall]) -> Sequence[Completion]:
        return [
            Completion(
                text=tojson({"tool": call.name, "arguments": call.arguments}), tool_calls=(call,)
            )
            for call in calls
        ]

    def read(self, completion: Completion, step: int) -> ModelTurn:
        match _loaded(completion.text):
            case {"tool": str(name), "arguments": dict(arguments)} if name in self._names:
                return ModelTurn(
                    calls=(ToolCall(id=f"call-{step}", name=name, arguments=arguments),)
                )
            case {"answer": str(answer)}:
                return ModelTurn(answer=answer)
            case {"answer": answer}:
                return ModelTurn(answer=tojson(answer))
        problem = Guarded(rule="tool_loop", detail="this is neither a tool call nor an answer")
        return ModelTurn(answer=completion.text, guarded=(problem,))

    def after(
        self, messages: Sequence[Message], completion: Completion, called: Sequence[Called]
    ) -> tuple[Message, ...]:
        said = completion.text.strip()
        results = tuple(
            Message(role="user", content=_written({"tool": one.call.name, **_came_back(one)}))
            for one in called
        )
        if not self._completion:
            return (*messages, Message(role="assistant", content=said), *results)
        *head, last = messages
        # One text: the call goes on from the prompt, and the next answer begins on a line of its own.
        prompt = replace(last, content=continued(last.content, said))
        return (*head, prompt, *(replace(one, content=f"{one.content}\n") for one in results))


def with_tools_described(
    messages: Sequence[Message], tools: Sequence[ToolDefinition]
) -> tuple[Message, ...]:
    """The messages with the tools, and how to call them, at the end of the system message."""
    described = "\n".join(
        [
            "Tools:",
            *(f"- {t.name}: {t.description} Arguments: {tojson(t.input_schema)}" for t in tools),
            'To use a tool, write {"tool": its name, "arguments": its arguments}.',
            'To answer, write {"answer": the answer}.',
        ]
    )
    for place, message in enumerate(messages):
        if message.role in {"system", "developer"}:
            whole = replace(message, content=f"{message.content.rstrip()}\n\n{described}")
            return (*messages[:place], whole, *messages[place + 1 :])
    return (Message(role="system", content=described), *messages)


def _call_schema(tool: ToolDefinition, place: str) -> Mapping[str, Json]:
    arguments = moved(tool.input_schema, f"{place}/properties/arguments")
    return _object({"tool": {"const": tool.name}, "arguments": arguments})


def _answer_schema(constraint: Constraint | None, place: str) -> Mapping[str, Json]:
    match constraint:
        case Choice(labels=labels):
            return _object({"answer": {"enum": labels}})
        case JsonOutput(schema=schema):
            return _object({"answer": moved(schema, f"{place}/properties/answer")})
        case None:
            return _object({"answer": {"type": "string"}})


def _object(properties: Mapping[str, Json]) -> Mapping[str, Json]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _came_back(called: Called) -> dict[str, Json]:
    return {"result": called.result} if called.error is None else {"error": called.error}


def _written(value: Json) -> str:
    """JSON that a request can carry: what is no Unicode in a tool's answer becomes U+FFFD."""
    return trimmed(tojson(value))


def _loaded(text: str) -> Any:
    try:
        return strict_decoder().decode(text)
    except (ValueError, RecursionError):
        return None
