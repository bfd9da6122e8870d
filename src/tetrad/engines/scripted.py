"""Answers from a file, without any model: for tests and dry runs, never evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tetrad.canonical import Json
from tetrad.engines.interfaces import Pieces
from tetrad.errors import EngineUnavailable
from tetrad.model import ScriptedAnswer, ScriptedEngine
from tetrad.results.exchange import Completion, Message, Request, ToolCall
from tetrad.text import shorten

# The number is raised whenever this code would give other answers.
BUILD = "tetrad scripted-engine 1"
_WORDS = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True, slots=True)
class Script:
    """Gives each request the first answer whose `contains` is in the request's last message."""

    script: ScriptedEngine
    name: str = "scripted"
    build: str = BUILD
    concurrency: int = 64
    native_tools: bool = True

    async def learn_build(self) -> str:
        return self.build

    async def complete(self, request: Request) -> Completion:
        asked = request.messages[-1].content
        for answer in self.script.answers:
            if answer.contains in asked:
                return _completion(answer, turn=_turn(request.messages))
        raise EngineUnavailable(
            f"the script has no answer to {shorten(asked, 80)!r}"
            "\n  help: add one, or a last answer with `contains: ''` for all the rest"
        )

    async def stream(self, request: Request) -> Pieces:
        """Word by word."""
        completion = await self.complete(request)
        for word in _WORDS.findall(completion.text):
            yield word
        yield completion

    async def aclose(self) -> None:
        """Nothing is open."""


def _completion(answer: ScriptedAnswer, *, turn: int) -> Completion:
    calls = tuple(
        ToolCall(id=f"call-{turn}-{n}", name=str(call["name"]), arguments=_arguments(call))
        for n, call in enumerate(answer.tool_calls, start=1)
    )
    return Completion(
        text=answer.output,
        tool_calls=calls,
        finish_reason="tool_calls" if calls else "stop",
        latency_s=0.0,
        first_token_s=0.0,
    )


def _arguments(call: Mapping[str, Json]) -> Mapping[str, Json]:
    arguments = call.get("arguments")
    return arguments if isinstance(arguments, Mapping) else {}


def _turn(messages: tuple[Message, ...]) -> int:
    """Which of the model's turns this is, so that ids of calls differ within a conversation."""
    return 1 + sum(message.role == "assistant" for message in messages)
