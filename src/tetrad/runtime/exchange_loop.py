"""One request on its way through the model and the tools that it asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from tetrad.engines.interfaces import Engine
from tetrad.model import Stack, Tool
from tetrad.results.exchange import Completion, Message, Request, ToolCall
from tetrad.results.trace import Called, Generated, Guarded, Step
from tetrad.runtime.confirming import Confirmations
from tetrad.runtime.observing import Calling, Generating, Guarding, Observer, watched
from tetrad.text import pluralize

# Any change of these changes answers: raise `tetrad.identity.RUNTIME`.
_REPAIR = (
    "Your answer does not have the form that is required: {problem}\n"
    "Write the whole answer again in that form, and nothing else."
)
_UNCONFIRMED = (
    "not done: this needs the user's confirmation. Say what would be done, and ask for it."
)

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
    confirmed: Confirmations
    _step: int = field(default=0, init=False)
    _calls: Counter[str] = field(default_factory=Counter, init=False)
    _last: tuple[Request, Completion] | None = field(default=None, init=False)

    async def answer(self, request: Request) -> str:
        """The model's answer, after as many calls as it asks for and `max_steps` allows."""
        if self.dialect is None:
            return (await self._ask(request)).text
        request = await self._resumed(request)
        while True:
            completion = await self._ask(request)
            said = self.dialect.read(completion, self._step)
            self.steps.extend(said.guarded)
            if not said.calls:
                return said.answer
            if refused := self._refused(said):
                self.steps.append(Guarded(rule="tool_loop", detail=refused))
                return said.answer
            request = await self._after(request, completion, said.calls)

    async def _resumed(self, request: Request) -> Request:
        """The request as it goes on after the calls that come first."""
        assert self.dialect is not None  # noqa: S101 - of a stack with tools
        if first := self.confirmed.first:
            await self.confirmed.begin(request)
            for asked in self.dialect.calling(first):
                request = await self._after(request, asked, asked.tool_calls)
        return request

    async def _after(
        self, request: Request, completion: Completion, calls: Sequence[ToolCall]
    ) -> Request:
        """The next request, once the calls of a turn are made."""
        assert self.dialect is not None  # noqa: S101
        called = [await self._call(call) for call in calls]
        made = (one.call.name for one in called if not one.unconfirmed)
        request = replace(
            request,
            messages=self.dialect.after(request.messages, completion, called),
            once=request.once or self.stack.may_write(made),
        )
        return self.dialect.ask(request, last=self._step + 1 == self.stack.max_steps)

    async def again(self, problem: str) -> str:
        """The answer once more, with what is wrong with the last one; no tool is called for it."""
        assert self._last is not None  # noqa: S101 - there is an answer
        request, completion = self._last
        messages = (
            *request.messages,
            Message(role="assistant", content=completion.text.strip()),
            Message(role="user", content=_REPAIR.format(problem=problem)),
        )
        request = replace(request, messages=messages)
        if self.dialect is None:
            return (await self._ask(request)).text
        completion = await self._ask(self.dialect.ask(request, last=True))
        return self.dialect.read(completion, self._step).answer

    @property
    def may_repair(self) -> bool:
        """Whether the last answer ended by itself; one that was cut off would be again."""
        return self._last is not None and self._last[1].finish_reason == "stop"

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
        self._last = request, completion
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
        called = await self._withheld(call)
        if called is None:
            with watched(self.observer, Calling(call=call)) as watch:
                called = await self.toolbox.call(call)
                watch.end(called)
        self.steps.append(called)
        return called

    async def _withheld(self, call: ToolCall) -> Called | None:
        """What the model is told of a call that a guardrail keeps from being made."""
        limit = self.stack.guardrails.max_calls_per_tool
        self._calls[call.name] += 1
        if limit is not None:
            with watched(self.observer, Guarding(rule="max_calls_per_tool", where="tool")) as watch:
                found = _too_many(call, self._calls[call.name], limit)
                watch.end(found)
            if found:
                self.steps.extend(found)
                return Called(call=call, error=found[0].detail)
        if not self._is_destructive(call):
            return None
        with watched(self.observer, Guarding(rule="unconfirmed", where="tool")) as watch:
            found = () if await self.confirmed.take(call) else (_unconfirmed(call),)
            watch.end(found)
        self.steps.extend(found)
        return Called(call=call, error=_UNCONFIRMED, unconfirmed=True) if found else None

    def _is_destructive(self, call: ToolCall) -> bool:
        """Whether the call would be made and destroys something; a wrong one goes back to the model."""
        from tetrad.tools.contract import tool_for

        tool = tool_for(call, {tool.name: tool for tool in self.stack.tools})
        return isinstance(tool, Tool) and tool.effect == "destructive"


def _too_many(call: ToolCall, count: int, limit: int) -> tuple[Guarded, ...]:
    if count <= limit:
        return ()
    detail = f"{call.name} may be called {pluralize(limit, 'time')} for one request"
    return (Guarded(rule="max_calls_per_tool", detail=detail),)


def _unconfirmed(call: ToolCall) -> Guarded:
    return Guarded(rule="unconfirmed", detail=f"{call.name} was not called: nobody confirmed it")
