"""Requests on their way to the engine: checked, retrieved for, rendered; the engine is not asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tetrad.canonical import Json, as_digested
from tetrad.errors import BadRequest
from tetrad.model import Retrieval, Stack, Turn
from tetrad.model.variables import text_of
from tetrad.results.exchange import Message, Request
from tetrad.results.trace import Passage, Retrieved, Step
from tetrad.runtime.chat import Histories
from tetrad.runtime.conversation import Conversation
from tetrad.runtime.fixed_answers import TOO_LONG
from tetrad.runtime.guards import Contract, too_long
from tetrad.runtime.input_guards import InputGuards
from tetrad.runtime.observing import UNOBSERVED, Guarding, Observer, Rendering, Retrieving, watched
from tetrad.runtime.request_variables import Variables

if TYPE_CHECKING:
    from tetrad.runtime.examples import Nearest
    from tetrad.runtime.tool_calls import ToolDialect


class PassageIndex(Protocol):
    """What finds the passages of a corpus."""

    def search_many(self, queries: Sequence[str], top_k: int) -> Sequence[tuple[Passage, ...]]:
        """For each query the best passages, best first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What whoever asks brings: the prompt's variables, and the turns before them."""

    vars: Mapping[str, Json]
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A request as the stack will put it, without having asked the engine.

    Either `request` is what will be asked first, or `answer` is given without asking, or `problem`
    says why the stack does not take what was given.
    """

    vars: Mapping[str, Json]
    history: tuple[Turn, ...] = ()
    steps: tuple[Step, ...] = ()
    request: Request | None = None
    answer: str | None = None
    problem: str | None = None

    @property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(p for s in self.steps if isinstance(s, Retrieved) for p in s.passages)


class Preparation:
    """How the requests of one stack are prepared."""

    def __init__(
        self,
        stack: Stack,
        *,
        conversation: Conversation,
        variables: Variables,
        histories: Histories,
        index: PassageIndex | None,
        nearest: Nearest | None,
        dialect: ToolDialect | None,
        describe: Callable[[tuple[Message, ...]], tuple[Message, ...]] | None,
    ) -> None:
        self._stack = stack
        self._conversation = conversation
        self._variables = variables
        self._histories = histories
        self._index = index
        self._nearest = nearest
        self._dialect = dialect
        self._describe = describe
        self._guards = InputGuards(stack)
        self._constraint = Contract(stack.prompt.output).constraint

    @property
    def computes(self) -> bool:
        """Whether preparing takes milliseconds, for texts that are embedded."""
        return self._index is not None or self._nearest is not None

    def unknown(self, given: Mapping[str, Json]) -> tuple[str, ...]:
        return self._variables.unknown(given)

    def many(
        self, requests: Sequence[Given], observer: Observer = UNOBSERVED
    ) -> tuple[Prepared, ...]:
        """Requests prepared, and embedded, together; refused ones carry their `problem`."""
        drafts = [self._checked(given, observer) for given in requests]
        if self._index is not None and self._stack.retrieval is not None:
            search = _Search(self._stack.retrieval, self._index, self._guards)
            search.retrieve([draft for draft in drafts if draft.is_open], observer)
        self._render([draft for draft in drafts if draft.is_open], observer)
        return tuple(draft.done() for draft in drafts)

    def _checked(self, given: Given, observer: Observer) -> _Draft:
        draft = _Draft(given)
        try:
            draft.values = self._variables.values(given.vars)
            self._histories.refuse(given.history)
        except BadRequest as error:
            draft.problem = str(error)
            return draft
        if (limit := self._stack.guardrails.max_input_chars) is not None:
            with watched(observer, Guarding(rule="max_input_chars", where="input")) as watch:
                found = too_long(_size(draft), limit)
                watch.end(found)
            if found:
                draft.steps += found
                draft.answer = TOO_LONG
                return draft
        # Counting tokens takes its time, so that it comes after the limit.
        draft.history = self._histories.kept(given.history)
        request = self._guards.inspect(draft.values, draft.history, observer)
        draft.values, draft.history = request.values, request.history
        draft.steps += request.found
        draft.answer = request.answer
        return draft

    def _render(self, drafts: Sequence[_Draft], observer: Observer) -> None:
        chosen: Sequence[tuple[int, ...] | None] = [None] * len(drafts)
        if self._nearest is not None:
            chosen = self._nearest.choose([draft.values for draft in drafts])
        for draft, examples in zip(drafts, chosen, strict=True):
            try:
                with watched(observer, Rendering(prompt=self._stack.prompt.ref)) as watch:
                    draft.request = self._request(draft, examples)
                    watch.end(draft.request)
            except BadRequest as error:
                draft.problem = f"{self._stack.prompt.ref}: {error}"

    def _request(self, draft: _Draft, examples: tuple[int, ...] | None) -> Request:
        messages = self._conversation.messages(draft.values, examples, draft.history)
        request = Request(
            style=self._stack.prompt.style,
            messages=messages if self._describe is None else self._describe(messages),
            generation=self._stack.generation,
            constraint=self._constraint,
        )
        if self._dialect is None:
            return request
        return self._dialect.ask(request, last=self._stack.max_steps == 1)


@dataclass(slots=True)
class _Draft:
    """A request on its way to being prepared."""

    given: Given
    values: dict[str, Json] = field(default_factory=dict)
    history: tuple[Turn, ...] = ()  # what is kept of it
    steps: list[Step] = field(default_factory=list)
    request: Request | None = None
    answer: str | None = None
    problem: str | None = None

    @property
    def is_open(self) -> bool:
        return self.answer is None and self.problem is None

    def done(self) -> Prepared:
        return Prepared(
            vars=self.given.vars,
            history=self.given.history,
            steps=tuple(self.steps),
            request=self.request,
            answer=self.answer,
            problem=self.problem,
        )


def _size(draft: _Draft) -> int:
    """Characters of all that was given, before anything of it is left out."""
    turns = sum(len(turn.content) for turn in draft.given.history)
    return turns + sum(len(text_of(value)) for value in draft.values.values())


@dataclass(frozen=True, slots=True)
class _Search:
    """How a stack's corpus is asked."""

    retrieval: Retrieval
    index: PassageIndex
    guards: InputGuards

    def retrieve(self, drafts: Sequence[_Draft], observer: Observer) -> None:
        """Give each draft its passages, or the answer where none is similar enough."""
        queries = [text_of(draft.values[self.retrieval.query]) for draft in drafts]
        watches = [observer.begin(self._asking(query)) for query in queries]
        try:
            found = self.index.search_many(queries, self.retrieval.top_k)
        except BaseException as error:
            for watch in watches:
                watch.fail(error)
            raise
        for draft, query, passages, watch in zip(drafts, queries, found, watches, strict=True):
            kept, guarded = self.guards.of_passages(passages, observer)
            watch.end(self._take(draft, query, kept))
            draft.steps += guarded

    def _take(self, draft: _Draft, query: str, passages: tuple[Passage, ...]) -> Retrieved:
        limit = self.retrieval.answerable
        best = max((passage.similarity for passage in passages), default=-1.0)
        answerable = limit is None or best >= limit.min_similarity
        retrieved = Retrieved(query=query, passages=passages, answerable=answerable)
        draft.steps.append(retrieved)
        draft.values[self.retrieval.into] = as_digested(
            [{"document": p.document, "text": p.text, "score": p.score} for p in passages]
        )
        if limit is not None and not answerable:
            draft.answer = limit.otherwise
        return retrieved

    def _asking(self, query: str) -> Retrieving:
        corpus = self.retrieval.corpus.ref
        return Retrieving(corpus=corpus, query=query, top_k=self.retrieval.top_k)
