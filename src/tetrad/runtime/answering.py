"""A stack that answers requests: prepare (pure of the engine), ask, call tools, guard.

Evals and the gateway both answer through `Runtime`, so what was evaluated is what is served.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.canonical import Json
from tetrad.engines.interfaces import Embedder, Engine
from tetrad.engines.trimming import Trimmed
from tetrad.errors import BadRequest, EngineUnavailable, ToolFailed
from tetrad.model import Model, Stack, Turn
from tetrad.results.exchange import Message
from tetrad.results.trace import Guarded, Step, Trace
from tetrad.runtime.chat import Histories
from tetrad.runtime.confirming import NO_CALL, Confirmations
from tetrad.runtime.conversation import Conversation
from tetrad.runtime.exchange_loop import ExchangeLoop, Toolbox
from tetrad.runtime.guards import Contract, trimmed
from tetrad.runtime.observing import UNOBSERVED, Guarding, Observer, watched
from tetrad.runtime.output_guards import OutputGuards
from tetrad.runtime.preparing import Given, PassageIndex, Preparation, Prepared
from tetrad.runtime.request_variables import Variables
from tetrad.text import encodable
from tetrad.trees import FileTree

if TYPE_CHECKING:
    from tetrad.corpora import VectorStore
    from tetrad.runtime.examples import Nearest
    from tetrad.runtime.tool_calls import ToolDialect

__all__ = ["Given", "PassageIndex", "Prepared", "Runtime", "Toolbox", "build"]


class Runtime:
    """One stack, ready to answer. `build` makes it."""

    def __init__(
        self,
        stack: Stack,
        *,
        engine: Engine,
        preparation: Preparation,
        dialect: ToolDialect | None,
    ) -> None:
        self.stack = stack
        self._engine = engine
        self._preparation = preparation
        self._dialect = dialect
        self._contract = Contract(stack.prompt.output)
        self._guards = OutputGuards(stack.guardrails)

    @property
    def native_tools(self) -> bool:
        return self._engine.native_tools

    @property
    def streams(self) -> bool:
        """Whether an answer may go out before all of it is there: nothing looks at the whole first,
        and no turn of it may turn out to be a tool call.
        """
        looks = bool(self._guards) or self._contract.is_on_the_whole
        return not looks and self._dialect is None

    @property
    def engine(self) -> Engine:
        return self._engine

    def answered_by(self, engine: Engine) -> Runtime:
        """The same stack with another engine, which takes tools as this one's does."""
        other = copy(self)
        other._engine = engine  # noqa: SLF001
        return other

    def unknown(self, given: Mapping[str, Json]) -> tuple[str, ...]:
        """The given names that the prompt does not declare, and that are therefore left out."""
        return self._preparation.unknown(given)

    def prepare(
        self,
        vars: Mapping[str, Json],  # noqa: A002 - the word of the formats
        *,
        history: tuple[Turn, ...] = (),
        observer: Observer = UNOBSERVED,
    ) -> Prepared:
        """What will be asked; BadRequest where the stack does not take the variables or turns."""
        prepared = self._preparation.many([Given(vars=vars, history=history)], observer)[0]
        if prepared.problem is not None:
            raise BadRequest(prepared.problem)
        return prepared

    def prepare_many(self, requests: Sequence[Given]) -> tuple[Prepared, ...]:
        """The same for many requests, embedded together; refused ones carry their `problem`."""
        return self._preparation.many(requests)

    async def answer(
        self,
        vars: Mapping[str, Json],  # noqa: A002 - the word of the formats
        *,
        toolbox: Toolbox,
        history: tuple[Turn, ...] = (),
        sample: int = 0,
        observer: Observer = UNOBSERVED,
        confirmed: Confirmations = NO_CALL,
    ) -> Trace:
        """Answer one request; BadRequest where the stack does not take its variables or turns."""
        prepared = await self._prepared(Given(vars=vars, history=history), observer)
        return await self.answer_prepared(
            prepared, toolbox=toolbox, sample=sample, observer=observer, confirmed=confirmed
        )

    async def answer_prepared(
        self,
        prepared: Prepared,
        *,
        toolbox: Toolbox,
        sample: int = 0,
        observer: Observer = UNOBSERVED,
        confirmed: Confirmations = NO_CALL,
    ) -> Trace:
        """Answer what was prepared. An engine or a tool that fails ends in the trace's `error`."""
        steps = list(prepared.steps)
        if prepared.problem is not None or prepared.request is None:
            output, problem = prepared.answer or "", prepared.problem
            return _trace(prepared, steps, output=output, error=problem)
        request = prepared.request if not sample else replace(prepared.request, sample=sample)
        loop = self._loop(steps, toolbox, observer, confirmed)
        try:
            text = trimmed(await loop.answer(request))
            if self.stack.guardrails.repair_output:
                text = await self._repaired(text, loop)
        except (EngineUnavailable, ToolFailed) as error:
            return _trace(prepared, steps, error=str(error))
        return _trace(prepared, steps, output=self._guarded(text, steps, observer))

    async def stream(
        self,
        vars: Mapping[str, Json],  # noqa: A002 - the word of the formats
        *,
        toolbox: Toolbox,
        history: tuple[Turn, ...] = (),
        observer: Observer = UNOBSERVED,
        confirmed: Confirmations = NO_CALL,
    ) -> AsyncGenerator[str | Trace, None]:
        """The same answer as it comes: pieces of its text, then its trace, whose `output` they are.

        Where not `streams`, the text comes in one piece, after what looks at it. An answer that
        breaks off ends in the trace's `error`, whatever pieces came before. Closing the iterator
        cancels the work.
        """
        prepared = await self._prepared(Given(vars=vars, history=history), observer)
        if not self.streams or prepared.request is None:
            trace = await self.answer_prepared(
                prepared, toolbox=toolbox, observer=observer, confirmed=confirmed
            )
            if trace.output:
                yield trace.output
            yield trace
            return
        steps = list(prepared.steps)
        loop, shown = self._loop(steps, toolbox, observer, confirmed), Trimmed()
        output: list[str] = []
        try:
            async with aclosing(loop.pieces(prepared.request)) as pieces:
                async for piece in pieces:
                    if text := encodable(shown.let_through(piece)):
                        output.append(text)
                        yield text
        except EngineUnavailable as error:
            yield _trace(prepared, steps, error=str(error))
            return
        yield _trace(prepared, steps, output="".join(output))

    async def _prepared(self, given: Given, observer: Observer) -> Prepared:
        prepare = partial(self.prepare, given.vars, history=given.history, observer=observer)
        if not self._preparation.computes and not given.history:
            return prepare()
        import asyncio

        # Embedding, or counting tokens, computes for milliseconds, in which other requests go on.
        return await asyncio.to_thread(prepare)

    def _loop(
        self,
        steps: list[Step],
        toolbox: Toolbox,
        observer: Observer,
        confirmed: Confirmations,
    ) -> ExchangeLoop:
        return ExchangeLoop(
            stack=self.stack,
            engine=self._engine,
            dialect=self._dialect,
            toolbox=toolbox,
            observer=observer,
            steps=steps,
            confirmed=confirmed,
        )

    async def _repaired(self, text: str, loop: ExchangeLoop) -> str:
        """The answer, asked for once more where it breaks the output contract."""
        broken = list(self._contract.broken(text))
        if not broken or not loop.may_repair:
            return text
        loop.steps.append(Guarded(rule="repair_output", detail=f"asked again: {broken[0].detail}"))
        return trimmed(await loop.again("; ".join(one.detail for one in broken)))

    def _guarded(self, output: str, steps: list[Step], observer: Observer) -> str:
        """What goes out: the answer, unless a guardrail withholds it or changes it."""
        released = self._guards.release(output, observer)
        steps.extend(released.found)
        if self._contract.is_on_the_whole and not released.withheld:
            with watched(observer, Guarding(rule="output", where="output")) as watch:
                broken = tuple(self._contract.broken(released.text))
                watch.end(broken)
            steps.extend(broken)
        return released.text


def _trace(
    prepared: Prepared, steps: Sequence[Step], *, output: str = "", error: str | None = None
) -> Trace:
    return Trace(
        vars=prepared.vars,
        history=prepared.history,
        steps=tuple(steps),
        output=output,
        error=error,
    )


def build(
    stack: Stack,
    *,
    engine: Engine,
    embedder_of: Callable[[Model], Embedder],
    count: Callable[[str], int],
    files: FileTree,
    cache: Path,
    vectors: VectorStore | None = None,
) -> Runtime:
    """Wire a stack: templates compiled, examples rendered and embedded, the corpus indexed.

    `count` gives the tokens of a text for the stack's model (`engines.count.counter_of`). `files` is
    the tree that the corpus lies in, `cache` a folder that outlives it, `vectors` what holds corpora
    with the store pgvector. Raises SpecError for templates, examples and documents that cannot be
    used.
    """
    dialect, describe = _dialect(stack, engine)
    preparation = Preparation(
        stack,
        conversation=Conversation(stack.prompt, filled=stack.filled),
        variables=Variables(stack.prompt, filled=stack.filled),
        histories=Histories(stack.prompt, count),
        index=_index(stack, embedder_of, files, cache, vectors),
        nearest=_nearest(stack, embedder_of, cache),
        dialect=dialect,
        describe=describe,
    )
    return Runtime(stack, engine=engine, preparation=preparation, dialect=dialect)


# Corpora and tools are imported for the stacks that have some; lint, which comes here for templates
# only, starts without them.


def _index(
    stack: Stack,
    embedder_of: Callable[[Model], Embedder],
    files: FileTree,
    cache: Path,
    vectors: VectorStore | None,
) -> PassageIndex | None:
    if stack.retrieval is None:
        return None
    from tetrad.corpora import build_index

    corpus = stack.retrieval.corpus
    return build_index(corpus, files, embedder_of(corpus.embedding), cache, vectors)


def _nearest(stack: Stack, embedder_of: Callable[[Model], Embedder], cache: Path) -> Nearest | None:
    if stack.prompt.select is None:
        return None
    from tetrad.corpora import CachedEmbedder
    from tetrad.runtime.examples import Nearest

    select = stack.prompt.select
    embedder = CachedEmbedder(embedder_of(select.embedding), cache)
    return Nearest(stack.prompt.examples, select, embedder)


def _dialect(
    stack: Stack, engine: Engine
) -> tuple[ToolDialect | None, Callable[[tuple[Message, ...]], tuple[Message, ...]] | None]:
    """How the stack's model calls tools, and what describes them to a model that must be told."""
    if not stack.tools:
        return None, None
    from tetrad.runtime.tool_calls import AsJson, Native, with_tools_described
    from tetrad.tools import definitions

    tools = definitions(stack.tools)
    style = stack.prompt.style
    constraint = Contract(stack.prompt.output).constraint
    if engine.native_tools and style == "chat":
        return Native(tools, constraint=constraint), None
    dialect = AsJson(tools, style=style, constraint=constraint)
    return dialect, partial(with_tools_described, tools=tools)
