"""An engine whose tokens are counted for one request: what it may use is reserved before it asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from tetrad.engines.interfaces import AnsweredLate, Engine, Pieces
from tetrad.errors import EngineRefused, EngineUnavailable
from tetrad.gateway.limiting.token_use import guessed, most_used
from tetrad.model import Stack
from tetrad.results.exchange import Completion, Request, ToolCall, Usage
from tetrad.runtime.confirming import Confirmations


@dataclass(kw_only=True, slots=True)
class Metered:
    """One request's engine; `reserve` raises where the request may not go on."""

    engine: Engine
    stack: Stack
    reserve: Callable[[Usage], Awaitable[None]]
    used: Usage = Usage()
    _has_reserved: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def concurrency(self) -> int:
        return self.engine.concurrency

    @property
    def native_tools(self) -> bool:
        return self.engine.native_tools

    async def complete(self, request: Request) -> Completion:
        await self.hold(request)
        try:
            completion = await self.engine.complete(request)
        except (EngineUnavailable, EngineRefused):
            raise  # who answered nothing charges nothing
        except AnsweredLate as late:
            self._count(late.completion, request)
            raise
        except BaseException:
            # Nobody knows how far the model came before its asker left.
            self._add(self._most(request, calls=1))
            raise
        self._count(completion, request)
        return completion

    async def stream(self, request: Request) -> Pieces:
        await self.hold(request)
        answer: list[str] = []
        is_whole = False
        try:
            async with aclosing(self.engine.stream(request)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, str):
                        answer.append(piece)
                    else:
                        is_whole = True
                        self._count(piece, request)
                    yield piece
        finally:
            if answer and not is_whole:
                self._add(guessed(request, "".join(answer), len(answer)))

    async def aclose(self) -> None:
        """The engine is shared; whoever built it closes it."""

    async def hold(self, request: Request) -> None:
        """For all turns of the answer at once: none is refused after a tool has run."""
        if not self._has_reserved:
            calls = self.stack.max_steps if self.stack.tools else 1
            await self.reserve(self._most(request, calls=calls))
            self._has_reserved = True

    def _most(self, request: Request, *, calls: int) -> Usage:
        return most_used(request, calls=calls, context_window=self.stack.model.context_window)

    def _count(self, completion: Completion, request: Request) -> None:
        usage, guess = completion.usage, guessed(request, completion.text)
        if usage.input_tokens is None:
            usage = replace(usage, input_tokens=guess.input_tokens)
        if usage.output_tokens is None:
            usage = replace(usage, output_tokens=guess.output_tokens)
        self._add(usage)

    def _add(self, usage: Usage) -> None:
        self.used = self.used + usage


@dataclass(frozen=True, kw_only=True, slots=True)
class PaidConfirmations:
    """Confirmed calls, which are made once what their answer may use is set aside."""

    confirmed: Confirmations
    engine: Engine

    @property
    def first(self) -> tuple[ToolCall, ...]:
        return self.confirmed.first

    async def begin(self, request: Request) -> None:
        if isinstance(self.engine, Metered):
            await self.engine.hold(request)

    async def take(self, call: ToolCall) -> bool:
        return await self.confirmed.take(call)
