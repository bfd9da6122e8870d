"""One request on its way through the model and the tools that it asks for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from tetrad.engines.interfaces import Engine
from tetrad.model import Stack
from tetrad.results.exchange import Completion, Request, ToolCall
from tetrad.results.trace import Called, Generated, Guarded, Step
from tetrad.runtime.observing import Calling, Generating, Observer, watched

if TYPE_CHECKING:
    from tetrad.runtime.tool_calls import ModelTurn, ToolDialect


class Toolbox(Protocol):
    """What answers a model's tool calls."""

    async def call(self, call: ToolCall) -> Called:
        """The tool's answer; ToolFailed where the tool, not the model, is at fault."""


@dataclass(kw_only=True, slots=True)
class ExchangeLoop:
    """What is asked of the engine for one answer; every exchange is added to `steps`."""

    stack: Stack
    engine: Engine
    dialect: ToolDialect | None
    toolbox: Toolbox
    observer: Observer
    steps: list[Step]
    _step: int = field(default=0, init=False)

    async def answer(self, request: Request) -> str:
        """The model's answer, after as many calls as it asks for and `max_steps` allows."""
        if self.dialect is None:
            return (await self._ask(request)).text
        while True:
            completion = await self._ask(request)
            said = self.dialect.read(completion, self._step)
            self.steps.extend(said.guarded)
            if not said.calls:
                return said.answer
            if refused := self._refused(said):
                self.steps.append(Guarded(rule="tool_loop", detail=refused))
                return said.answer
            called = [await self._call(call) for call in said.calls]
            messages = self.dialect.after(request.messages, completion, called)
            request = self.dialect.ask(
                replace(request, messages=messages), last=self._step + 1 == self.stack.max_steps
            )

    async def pieces(self, request: Request) -> AsyncGenerator[str, None]:
        """The answer of a model without tools, as it comes."""
        begun = False
        with watched(self.observer, self._generating(request)) as watch:
            async with aclosing(self.engine.stream(request)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, str):
                        if not begun:
                            watch.first_token()
                            begun = True
                        yield piece
                    else:
                        watch.end(self._generated(request, piece))

    async def _ask(self, request: Request) -> Completion:
        with watched(self.observer, self._generating(request)) as watch:
            completion = await self.engine.complete(request)
            watch.end(self._generated(request, completion))
        return completion

    def _generating(self, request: Request) -> Generating:
        self._step += 1
        return Generating(model=self.stack.model, request=request, step=self._step)

    def _generated(self, request: Request, completion: Completion) -> Generated:
        generated = Generated(request=request, completion=completion, cached=completion.cached)
        self.steps.append(generated)
        return generated

    def _refused(self, said: ModelTurn) -> str:
        """Why the calls of a turn are not made; empty where they are."""
        from tetrad.runtime.tool_calls import MAX_CALLS

        if self._step >= self.stack.max_steps:
            return "the last step asked for a tool"
        if len(said.calls) > MAX_CALLS:
            return f"one turn asked for {len(said.calls):,} calls; {MAX_CALLS} are allowed"
        return ""

    async def _call(self, call: ToolCall) -> Called:
        with watched(self.observer, Calling(call=call)) as watch:
            called = await self.toolbox.call(call)
            watch.end(called)
        self.steps.append(called)
        return called
