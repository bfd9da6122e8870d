"""How a stack answered one request: every step, as plain values that JSON can carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tetrad.canonical import Json
from tetrad.model import Turn
from tetrad.results.exchange import Completion, Message, Request, ToolCall, Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A retrieved chunk: `document` is its id in the corpus, `score` the store's mixed score."""

    document: str
    chunk: int
    text: str
    score: float
    similarity: float  # cosine of the embeddings


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrieved:
    """What retrieval found for a query, best first."""

    query: str
    passages: tuple[Passage, ...]
    answerable: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Generated:
    """One exchange with the engine; `cached` says that the answer was kept from earlier."""

    request: Request
    completion: Completion
    cached: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Called:
    """One tool call and what came back; an `unconfirmed` one waits for a person, and was not made."""

    call: ToolCall
    result: Json = None
    error: str | None = None
    unconfirmed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Guarded:
    """A guardrail or the output contract that changed or refused an answer."""

    rule: str
    detail: str


Step: TypeAlias = Retrieved | Generated | Called | Guarded


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """The whole way from variables to `output`; `error` is set where no answer came about."""

    vars: Mapping[str, Json]
    history: tuple[Turn, ...] = ()  # the turns before, as they were given
    steps: tuple[Step, ...]
    output: str
    error: str | None = None

    @property
    def usage(self) -> Usage:
        return sum((g.completion.usage for g in self.generated), Usage())

    @property
    def withheld(self) -> str:
        """Why the engine gave nothing to judge, though it answered; empty where it gave something."""
        generated = self.generated
        if not generated:
            return ""
        last = generated[-1]
        if last.completion.finish_reason == "content_filter":
            return "the provider filtered the answer (finish_reason content_filter)"
        if last.completion.finish_reason != "length" or last.completion.text.strip():
            return ""
        limit = last.request.generation.max_tokens
        tokens = "its tokens" if limit is None else f"its {limit:,} tokens (max_tokens)"
        return f"the model used {tokens} before it answered (finish_reason length)"

    @property
    def generated(self) -> tuple[Generated, ...]:
        return tuple(step for step in self.steps if isinstance(step, Generated))

    @property
    def called(self) -> tuple[Called, ...]:
        return tuple(step for step in self.steps if isinstance(step, Called))

    @property
    def unconfirmed(self) -> tuple[ToolCall, ...]:
        """The calls of destructive tools that were not made, since nobody confirmed them."""
        return tuple(step.call for step in self.called if step.unconfirmed)

    @property
    def breaches(self) -> tuple[Guarded, ...]:
        """How the answer breaks the prompt's output contract."""
        found = (step for step in self.steps if isinstance(step, Guarded))
        return tuple(step for step in found if step.rule.startswith("output."))

    @property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(p for s in self.steps if isinstance(s, Retrieved) for p in s.passages)

    @property
    def latency_s(self) -> float | None:
        """Seconds the engine took, or None where any of its calls has none."""
        seconds = [g.completion.latency_s for g in self.generated]
        known = [s for s in seconds if s is not None]
        return sum(known) if len(known) == len(seconds) else None

    @property
    def messages(self) -> tuple[Message, ...]:
        """The first rendered request's messages, () where none was made."""
        generated = self.generated
        return generated[0].request.messages if generated else ()
