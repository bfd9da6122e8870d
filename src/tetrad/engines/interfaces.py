"""What the stages above ask of a model, and the digest under which a request's answer is kept.

Engines live beside this module, one a file; `tetrad.engines.wiring` chooses among them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from tetrad.canonical import Digest, Json, digest_of
from tetrad.model import Generation
from tetrad.results.exchange import Choice, Completion, Constraint, Message, Request, ToolCall

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Pieces: TypeAlias = AsyncGenerator[str | Completion, None]


class AnsweredLate(asyncio.CancelledError):
    """Whoever asked was cancelled, and the answer came all the same: it is paid for."""

    def __init__(self, completion: Completion) -> None:
        super().__init__()
        self.completion = completion


class Engine(Protocol):
    """What answers requests; `concurrency` is how many of them it likes in flight."""

    @property
    def name(self) -> str:
        """The engine in words, for reports: `torch cpu float32`, `openai http://…`."""

    @property
    def concurrency(self) -> int: ...

    @property
    def native_tools(self) -> bool:
        """Whether a chat request's `tools` come back as `tool_calls`; else the runtime asks for
        calls as constrained JSON.
        """

    async def complete(self, request: Request) -> Completion:
        """Answer one request, or raise EngineUnavailable; AnsweredLate where the engine waits for what
        it sent although its asker is cancelled.
        """

    def stream(self, request: Request) -> Pieces:
        """The same answer as it comes: pieces of text, then the Completion, whose text they are.

        Closing the iterator cancels the work. Fails as `complete` does; where pieces have been
        given, nothing is tried again.
        """

    async def aclose(self) -> None: ...


async def in_one_piece(answer: Callable[[], Awaitable[Completion]]) -> Pieces:
    """The stream of an engine that has its answers whole."""
    completion = await answer()
    if completion.text:
        yield completion.text
    yield completion


class ComputingEngine(Engine, Protocol):
    """An engine that computes its answers, and does not just find kept ones."""

    @property
    def build(self) -> str | None:
        """What computes, as text: versions and device. It is part of a kept answer's key, and never
        of an identity. None while an endpoint has not been asked for it.
        """

    async def learn_build(self) -> str:
        """The build, asked for where it is not known; EngineUnavailable where nobody answers."""


class Embedder(Protocol):
    """What turns texts into vectors.

    `digest` is that of the embedding model's behaviour, `build` what computes, as an engine's.
    """

    @property
    def digest(self) -> Digest: ...

    @property
    def build(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One L2-normalised row a text: for a long one, the mean of its windows."""

    def tokens(self, text: str) -> Sequence[tuple[int, int]]:
        """Start and end offsets, in characters, of the text's tokens."""

    def windows(self, text: str) -> Sequence[str]:
        """The text, or where it is longer than the model reads at once, parts of one length that
        are not.
        """


def request_digest(request: Request) -> Digest:
    """SHA-256 over the canonical JSON of what is asked; whatever is absent is at its default."""
    return digest_of(request_document(request))


def request_document(request: Request) -> dict[str, Json]:
    """A request as JSON, without what is at its default, so that a new field moves no old digest.

    This form is ours and stays; what a server is sent (`wire`) follows its protocol.
    """
    document: dict[str, Json] = {
        "messages": [_message(message) for message in request.messages],
        "style": request.style,
    }
    if generation := _generation(request.generation):
        document["generation"] = generation
    if request.constraint is not None:
        document["constraint"] = _constraint(request.constraint)
    if request.tools:
        document["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
            for tool in request.tools
        ]
    if not request.may_call:
        document["may_call"] = False
    if request.sample:
        document["sample"] = request.sample
    return document


def _message(message: Message) -> dict[str, Json]:
    document: dict[str, Json] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        document["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        document["tool_call_id"] = message.tool_call_id
    if message.attached:
        document["attached"] = message.attached
    return document


def _tool_call(call: ToolCall) -> Mapping[str, Json]:
    written: dict[str, Json] = {"id": call.id, "name": call.name, "arguments": call.arguments}
    if call.attached:
        written["attached"] = call.attached
    return written


def _generation(generation: Generation) -> Mapping[str, Json]:
    given: dict[str, Json] = {
        "temperature": generation.temperature,
        "max_tokens": generation.max_tokens,
        "top_p": generation.top_p,
        # canonical JSON ends at 2**53 - 1, seeds at 2**64 - 1
        "seed": None if generation.seed is None else str(generation.seed),
        "stop": generation.stop or None,
    }
    return {key: value for key, value in given.items() if value is not None}


def _constraint(constraint: Constraint) -> Mapping[str, Json]:
    if isinstance(constraint, Choice):
        return {"choice": constraint.labels}
    return {"json": constraint.schema}
