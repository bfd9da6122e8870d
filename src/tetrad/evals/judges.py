"""Judges: models that grade, and the requests that make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tetrad.assertions.jsons import strict_decoder
from tetrad.canonical import Json
from tetrad.engines.base import Engine
from tetrad.errors import JudgeFailed, UsageError
from tetrad.model import Generation, Prompt
from tetrad.results.exchange import JsonOutput, Message, Request
from tetrad.templates.render import compile_template
from tetrad.text import shorten

_MAX_TOKENS = 1_000
_GENERATION = Generation(temperature=0.0, max_tokens=_MAX_TOKENS)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyJudge:
    """A judge that can be asked: its engine, and the suite's prompt for it where there is one."""

    name: str
    engine: Engine
    prompt: Prompt | None = None

    async def ask(
        self, question: Mapping[str, str], schema: Mapping[str, Json]
    ) -> Mapping[str, Json]:
        """The judge's answer, a JSON object; JudgeFailed where it gives none."""
        completion = await self.engine.complete(self.request(question, schema))
        said = _object(completion.text)
        if said is None:
            raise JudgeFailed(
                f"judge {self.name!r} answered no JSON object: {shorten(completion.text, 120)!r}"
            )
        return said

    def request(self, question: Mapping[str, str], schema: Mapping[str, Json]) -> Request:
        """What the engine is asked; JudgeFailed where the prompt does not render."""
        constraint = JsonOutput(schema=schema)
        if self.prompt is None:
            messages = (
                Message(role="system", content=question["task"]),
                Message(role="user", content=question["text"]),
            )
            return Request(messages=messages, generation=_GENERATION, constraint=constraint)
        return Request(
            style=self.prompt.style,
            messages=tuple(
                Message(role=message.role, content=self._rendered(message.content, question))
                for message in self.prompt.messages
            ),
            generation=self.prompt.generation,
            constraint=constraint,
        )

    def _rendered(self, content: str, question: Mapping[str, str]) -> str:
        try:
            return compile_template(content).render(question)
        except (UsageError, ValueError) as error:
            raise JudgeFailed(
                f"the prompt of judge {self.name!r} does not render: {error}"
            ) from error


def _object(text: str) -> Mapping[str, Json] | None:
    """The JSON object that the text is, or the first that begins in it: models like to add words."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        found, _ = strict_decoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
