"""A stack that answers requests: prepare (pure of the engine), ask, call tools, guard.

Evals and the gateway both answer through `Runtime`, so what was evaluated is what is served.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tetrad.canonical import Json, as_digested
from tetrad.engines.interfaces import Embedder, Engine
from tetrad.errors import BadRequest, EngineUnavailable, ToolFailed
from tetrad.model import Model, Retrieval, Stack
from tetrad.model.variables import text_of
from tetrad.results.exchange import Completion, Message, Request, ToolCall
from tetrad.results.trace import Called, Generated, Guarded, Passage, Retrieved, Step, Trace
from tetrad.runtime.conversation import Conversation
from tetrad.runtime.guards import TOO_LONG, WITHHELD, Contract, personal_data, too_long, trimmed
from tetrad.runtime.request_variables import Variables
from tetrad.trees import FileTree

if TYPE_CHECKING:
    from tetrad.runtime.examples import Nearest
    from tetrad.runtime.tool_calls import Calling, Turn


class Toolbox(Protocol):
    """What answers a model's tool calls."""

    async def call(self, call: ToolCall) -> Called:
        """The tool's answer; ToolFailed where the tool, not the model, is at fault."""


class PassageIndex(Protocol):
    """What finds the passages of a corpus."""

    def search_many(self, queries: Sequence[str], top_k: int) -> Sequence[tuple[Passage, ...]]:
        """For each query the best passages, best first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A request as the stack will put it, without having asked the engine.

    Either `request` is what will be asked first, or `answer` is given without asking, or `problem`
    says why the stack does not take the variables.
    """

    vars: Mapping[str, Json]
    steps: tuple[Step, ...] = ()
    request: Request | None = None
    answer: str | None = None
    problem: str | None = None

    @property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(p for s in self.steps if isinstance(s, Retrieved) for p in s.passages)


class Runtime:
    """One stack, ready to answer. `build` makes it."""

    def __init__(
        self,
        stack: Stack,
        *,
        engine: Engine,
        conversation: Conversation,
        variables: Variables,
        index: PassageIndex | None,
        nearest: Nearest | None,
        calling: Calling | None,
        describe: Callable[[tuple[Message, ...]], tuple[Message, ...]] | None,
    ) -> None:
        self.stack = stack
        self._engine = engine
        self._conversation = conversation
        self._variables = variables
        self._index = index
        self._nearest = nearest
        self._calling = calling
        self._describe = describe
        self._contract = Contract(stack.prompt.output)
        self._constraint = self._contract.constraint

    @property
    def native_tools(self) -> bool:
        return self._engine.native_tools

    def answered_by(self, engine: Engine) -> Runtime:
        """The same stack with another engine, which takes tools as this one's does."""
        other = copy(self)
        other._engine = engine  # noqa: SLF001
        return other

    def unknown(self, given: Mapping[str, Json]) -> tuple[str, ...]:
        """The given names that the prompt does not declare, and that are therefore left out."""
        return self._variables.unknown(given)

    def prepare(self, vars: Mapping[str, Json]) -> Prepared:  # noqa: A002 - the word of the formats
        """What will be asked for these variables; BadRequest where the stack does not take them."""
        prepared = self.prepare_many([vars])[0]
        if prepared.problem is not None:
            raise BadRequest(prepared.problem)
        return prepared

    def prepare_many(self, requests: Sequence[Mapping[str, Json]]) -> tuple[Prepared, ...]:
        """The same for many requests, embedded together; refused ones carry their `problem`."""
        drafts = [self._checked(given) for given in requests]
        if self._index is not None and self.stack.retrieval is not None:
            _retrieve([d for d in drafts if d.is_open], self.stack.retrieval, self._index)
        self._render([d for d in drafts if d.is_open])
        return tuple(draft.done() for draft in drafts)

    async def answer(
        self,
        vars: Mapping[str, Json],  # noqa: A002 - the word of the formats
        *,
        toolbox: Toolbox,
        sample: int = 0,
    ) -> Trace:
        """Answer one request; BadRequest where the stack does not take its variables."""
        if self._index is None and self._nearest is None:
            prepared = self.prepare(vars)
        else:
            import asyncio

            # Embedding computes for milliseconds, in which other requests go on.
            prepared = await asyncio.to_thread(self.prepare, vars)
        return await self.answer_prepared(prepared, toolbox=toolbox, sample=sample)

    async def answer_prepared(
        self, prepared: Prepared, *, toolbox: Toolbox, sample: int = 0
    ) -> Trace:
        """Answer what was prepared. An engine or a tool that fails ends in the trace's `error`."""
        steps = list(prepared.steps)
        if prepared.problem is not None or prepared.request is None:
            return Trace(
                vars=prepared.vars,
                steps=tuple(steps),
                output=prepared.answer or "",
                error=prepared.problem,
            )
        request = prepared.request if not sample else replace(prepared.request, sample=sample)
        try:
            text = await self._generate(request, steps, toolbox)
        except (EngineUnavailable, ToolFailed) as error:
            return Trace(vars=prepared.vars, steps=tuple(steps), output="", error=str(error))
        output = self._guarded(trimmed(text), steps)
        return Trace(vars=prepared.vars, steps=tuple(steps), output=output)

    def _checked(self, given: Mapping[str, Json]) -> _Draft:
        try:
            draft = _Draft(given, self._variables.values(given))
        except BadRequest as error:
            return _Draft(given, {}, problem=str(error))
        limit = self.stack.guardrails.max_input_chars
        if limit is not None:
            guard = too_long(sum(len(text_of(v)) for v in draft.values.values()), limit)
            if guard is not None:
                draft.steps.append(guard)
                draft.answer = TOO_LONG
        return draft

    def _render(self, drafts: Sequence[_Draft]) -> None:
        chosen: Sequence[tuple[int, ...] | None] = [None] * len(drafts)
        if self._nearest is not None:
            chosen = self._nearest.choose([draft.values for draft in drafts])
        for draft, examples in zip(drafts, chosen, strict=True):
            try:
                draft.request = self._request(draft.values, examples)
            except BadRequest as error:
                draft.problem = f"{self.stack.prompt.ref}: {error}"

    def _request(self, values: Mapping[str, Json], examples: tuple[int, ...] | None) -> Request:
        messages = self._conversation.messages(values, examples)
        request = Request(
            style=self.stack.prompt.style,
            messages=messages if self._describe is None else self._describe(messages),
            generation=self.stack.generation,
            constraint=self._constraint,
        )
        if self._calling is None:
            return request
        return self._calling.ask(request, last=self.stack.max_steps == 1)

    async def _generate(self, request: Request, steps: list[Step], toolbox: Toolbox) -> str:
        """The model's answer, after as many calls as it asks for and `max_steps` allows."""
        if self._calling is None:
            return (await self._ask(request, steps)).text
        step = 1
        while True:
            completion = await self._ask(request, steps)
            turn = self._calling.read(completion, step)
            steps.extend(turn.guarded)
            if not turn.calls:
                return turn.answer
            if refused := self._refused(turn, step):
                steps.append(Guarded(rule="tool_loop", detail=refused))
                return turn.answer
            called = [await self._call(call, steps, toolbox) for call in turn.calls]
            step += 1
            messages = self._calling.after(request.messages, completion, called)
            request = self._calling.ask(
                replace(request, messages=messages), last=step == self.stack.max_steps
            )

    def _refused(self, turn: Turn, step: int) -> str:
        """Why the calls of a turn are not made; empty where they are."""
        from tetrad.runtime.tool_calls import MAX_CALLS

        if step >= self.stack.max_steps:
            return "the last step asked for a tool"
        if len(turn.calls) > MAX_CALLS:
            return f"one turn asked for {len(turn.calls):,} calls; {MAX_CALLS} are allowed"
        return ""

    async def _ask(self, request: Request, steps: list[Step]) -> Completion:
        completion = await self._engine.complete(request)
        steps.append(Generated(request=request, completion=completion, cached=completion.cached))
        return completion

    async def _call(self, call: ToolCall, steps: list[Step], toolbox: Toolbox) -> Called:
        called = await toolbox.call(call)
        steps.append(called)
        return called

    def _guarded(self, output: str, steps: list[Step]) -> str:
        """What goes out: the answer, unless a guardrail withholds it."""
        if self.stack.guardrails.block_pii_in_output:
            guard = personal_data(output)
            if guard is not None:
                steps.append(guard)
                return WITHHELD
        steps.extend(self._contract.broken(output))
        return output


@dataclass(slots=True)
class _Draft:
    """A request on its way to being prepared."""

    vars: Mapping[str, Json]
    values: dict[str, Json]
    steps: list[Step] = field(default_factory=list)
    request: Request | None = None
    answer: str | None = None
    problem: str | None = None

    @property
    def is_open(self) -> bool:
        return self.answer is None and self.problem is None

    def done(self) -> Prepared:
        return Prepared(
            vars=self.vars,
            steps=tuple(self.steps),
            request=self.request,
            answer=self.answer,
            problem=self.problem,
        )


def _retrieve(drafts: Sequence[_Draft], retrieval: Retrieval, index: PassageIndex) -> None:
    """Give each draft its passages, or the answer where none is similar enough."""
    queries = [text_of(draft.values[retrieval.query]) for draft in drafts]
    found = index.search_many(queries, retrieval.top_k)
    for draft, query, passages in zip(drafts, queries, found, strict=True):
        limit = retrieval.answerable
        best = max((passage.similarity for passage in passages), default=-1.0)
        answerable = limit is None or best >= limit.min_similarity
        draft.steps.append(Retrieved(query=query, passages=passages, answerable=answerable))
        draft.values[retrieval.into] = as_digested(
            [{"document": p.document, "text": p.text, "score": p.score} for p in passages]
        )
        if limit is not None and not answerable:
            draft.answer = limit.otherwise


def build(
    stack: Stack,
    *,
    engine: Engine,
    embedder_of: Callable[[Model], Embedder],
    files: FileTree,
    cache: Path,
) -> Runtime:
    """Wire a stack: templates compiled, examples rendered and embedded, the corpus indexed.

    `files` is the tree that the corpus lies in, `cache` a folder that outlives it. Raises SpecError
    for templates, examples and documents that cannot be used.
    """
    calling, describe = _calling(stack, engine)
    return Runtime(
        stack,
        engine=engine,
        conversation=Conversation(stack.prompt, filled=stack.filled),
        variables=Variables(stack.prompt, filled=stack.filled),
        index=_index(stack, embedder_of, files, cache),
        nearest=_nearest(stack, embedder_of, cache),
        calling=calling,
        describe=describe,
    )


# Corpora and tools are imported for the stacks that have some; lint, which comes here for templates
# only, starts without them.


def _index(
    stack: Stack, embedder_of: Callable[[Model], Embedder], files: FileTree, cache: Path
) -> PassageIndex | None:
    if stack.retrieval is None:
        return None
    from tetrad.corpora import build_index

    corpus = stack.retrieval.corpus
    return build_index(corpus, files, embedder_of(corpus.embedding), cache)


def _nearest(stack: Stack, embedder_of: Callable[[Model], Embedder], cache: Path) -> Nearest | None:
    if stack.prompt.select is None:
        return None
    from tetrad.corpora import CachedEmbedder
    from tetrad.runtime.examples import Nearest

    select = stack.prompt.select
    embedder = CachedEmbedder(embedder_of(select.embedding), cache)
    return Nearest(stack.prompt.examples, select, embedder)


def _calling(
    stack: Stack, engine: Engine
) -> tuple[Calling | None, Callable[[tuple[Message, ...]], tuple[Message, ...]] | None]:
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
    calling = AsJson(tools, style=style, constraint=constraint)
    return calling, partial(with_tools_described, tools=tools)
