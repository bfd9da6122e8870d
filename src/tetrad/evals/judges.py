"""Judges: models that grade, and the requests that make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tetrad.assertions.judge_question import GENERATION, MESSAGES
from tetrad.assertions.score import Score
from tetrad.canonical import Json
from tetrad.errors import JudgeFailed, UsageError
from tetrad.evals.kept_engine import Recorded
from tetrad.model import Prompt
from tetrad.results.exchange import Completion, JsonOutput, Message, Request
from tetrad.templates.render import compile_template
from tetrad.text import shorten
from tetrad.yamldoc.jsontext import strict_decoder

_READ_CHARS = 20_000  # of the answer, its end: looking for objects takes the square of it


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyJudge:
    """A judge that can be asked: its engine, and the suite's prompt for it where there is one."""

    name: str
    engine: Recorded
    prompt: Prompt | None = None

    async def ask(
        self,
        question: Mapping[str, str],
        schema: Mapping[str, Json],
        read: Callable[[Mapping[str, Json]], Score],
    ) -> Score:
        """What `read` makes of the judge's answer; JudgeFailed where that decides nothing.

        Such an answer is a failure of the judge: it is asked again, and nothing of it is kept.
        """
        request = self.request(question, schema)
        completion = await self.engine.complete(
            request, usable=lambda answer: isinstance(self._read(answer, read), Score)
        )
        said = self._read(completion, read)
        if isinstance(said, JudgeFailed):
            raise said
        return said

    def _read(
        self, completion: Completion, read: Callable[[Mapping[str, Json]], Score]
    ) -> Score | JudgeFailed:
        """By the last object that decides: before it, a model may think aloud in braces, too."""
        why: JudgeFailed | None = None
        for found in reversed(_objects(completion.text)):
            try:
                return read(found)
            except JudgeFailed as error:
                if error.final:
                    return error
                why = why or error
        return why or JudgeFailed(
            f"judge {self.name!r} answered no JSON object: {shorten(completion.text, 120)!r}"
            f" (finish_reason {completion.finish_reason})"
        )

    def request(self, question: Mapping[str, str], schema: Mapping[str, Json]) -> Request:
        """What the engine is asked; JudgeFailed where the prompt does not render."""
        constraint = JsonOutput(schema=schema)
        if self.prompt is None:
            messages = tuple(Message(role=role, content=question[part]) for role, part in MESSAGES)
            return Request(messages=messages, generation=GENERATION, constraint=constraint)
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


def _objects(text: str) -> list[Mapping[str, Json]]:
    """The JSON objects in an answer, in order; those within another one are part of it."""
    found: list[Mapping[str, Json]] = []
    text = text[-_READ_CHARS:]
    start = text.find("{")
    while start >= 0:
        try:
            value, start = strict_decoder().raw_decode(text, start)
            found.append(value)
        except (ValueError, RecursionError):
            start += 1
        start = text.find("{", start)
    return found
