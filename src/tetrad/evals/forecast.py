"""What an evaluation will ask, foreseen by playing it with the answers that were kept.

Where an answer is lacking, the play ends: that request will be asked for certain, and what it may
lead to, further steps of a tool loop and questions to judges, is possible. Nothing is asked, and no
tool is called that is not recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import ServiceAssertion
from tetrad.assertions.score import Score
from tetrad.assertions.table import JUDGED, TYPES
from tetrad.canonical import Digest, Json
from tetrad.engines.interfaces import Pieces, in_one_piece, request_digest
from tetrad.engines.wiring import known_build
from tetrad.errors import JudgeFailed, UsageError
from tetrad.evals.answer_store import KeptAnswers
from tetrad.evals.grading import answered_of
from tetrad.evals.judges import ReadyJudge
from tetrad.evals.session import Session
from tetrad.identity import component_digest
from tetrad.model import (
    DEFAULT_JUDGE,
    Assertion,
    Case,
    Model,
    Stack,
    Suite,
    assertions_of,
)
from tetrad.plan import Amount, Estimate
from tetrad.results.exchange import Completion, Request, ToolCall
from tetrad.results.trace import Called, Trace
from tetrad.runtime.answering import Prepared, Runtime, Toolbox
from tetrad.runtime.confirming import EVERY_CALL
from tetrad.templates.filters import tojson
from tetrad.templates.render import rendered
from tetrad.tools import RecordedToolbox
from tetrad.trees import FileTree

# Tokens of a text under a model, and whether its tokenizer counted them: else they are a bound.
CountTokens = Callable[[Model, str], tuple[int, bool]]


class _CacheMiss(Exception):
    """The play ends here; `request` is what will be asked, None where nobody can know."""

    def __init__(self, request: Request | None) -> None:
        super().__init__()
        self.request = request


@dataclass(kw_only=True, slots=True)
class Forecast:
    """An `Estimator`. Equal requests are asked once, so each is counted where it first comes up."""

    session: Session
    count: CountTokens
    pace: Callable[[Stack], float | None]  # seconds a call of what answers for a stack
    _foreseen: set[tuple[Digest, Digest]] = field(default_factory=set)  # model and request
    _kept: dict[Digest, KeptAnswers] = field(default_factory=dict)

    def __call__(
        self, suite: Suite, stack: Stack, prepared: Iterable[Prepared], *, files: FileTree
    ) -> Estimate:
        play = _DryRun(
            suite=suite,
            stack=stack,
            model=self.session.answering(stack).model,
            runtime=self.session.runtime(stack, files=files),
            judges=self.session.judges(suite, files),
            answers=self._answers,
            count=self.count,
            foreseen=self._foreseen,
        )
        asyncio.run(play.cases(prepared))
        pace = self.pace(stack)
        return Estimate(least=_timed(play.least, pace), most=_timed(play.most, pace))

    def _answers(self, model: Model) -> KeptAnswers:
        """A model's kept answers; an endpoint is taken to be of the build that it last was."""
        digest = component_digest(model)
        if digest not in self._kept:
            self._kept[digest] = KeptAnswers(self.session.answers, digest, known_build(model))
        return self._kept[digest]


@dataclass(kw_only=True, slots=True)
class _DryRun:
    """One suite on one stack."""

    suite: Suite
    stack: Stack
    model: Model  # what answers
    runtime: Runtime
    judges: Mapping[str, ReadyJudge]
    answers: Callable[[Model], KeptAnswers]
    count: CountTokens
    foreseen: set[tuple[Digest, Digest]]
    least: Amount = field(default_factory=Amount)
    most: Amount = field(default_factory=Amount)

    async def cases(self, prepared: Iterable[Prepared]) -> None:
        for case, one in zip(self.suite.golden.cases, prepared, strict=True):
            for sample in range(case.repeats):
                await self._sample(case, one, sample)

    async def _sample(self, case: Case, prepared: Prepared, sample: int) -> None:
        kept = _Kept(self.answers(self.model), self.runtime.native_tools)
        runtime, toolbox = self.runtime.answered_by(kept), self._toolbox(case)
        try:
            trace = await runtime.answer_prepared(
                prepared, toolbox=toolbox, sample=sample, confirmed=EVERY_CALL
            )
        except _CacheMiss as end:
            if end.request is not None:
                self._will_ask(self.model, end.request)
            self._may_go_on(case, kept)
            await self._may_judge(case, prepared)
        else:
            if trace.error is None:
                await self._judge(case, trace)

    def _toolbox(self, case: Case) -> Toolbox:
        if self.suite.tools == "live":
            return _Untouched()
        return RecordedToolbox(case.tools, self.stack.tools)

    def _may_go_on(self, case: Case, kept: _Kept) -> None:
        """The steps of the tool loop that may follow, each longer by an answer and a result."""
        last = kept.asked[-1]
        results = (self.count(self.model, tojson(call.result))[0] for call in case.tools)
        longer = (last.generation.max_tokens or 0) + max(results, default=0)
        steps = self.stack.max_steps - len(kept.asked) if self.stack.tools else 0
        for step in range(1, steps + 1):
            self._may_ask(self.model, last, longer=step * longer)

    async def _judge(self, case: Case, trace: Trace) -> None:
        """The questions to judges about an answer that is known."""
        for assertion in _judged(case):
            asked = await self._asked(assertion, answered_of(trace, None))
            if asked is None:
                continue
            if case.transform is None and assertion.transform is None:
                self._will_ask(*asked, judging=1)
            else:  # what the judge is shown, only running the transform tells
                self._may_ask(*asked, judging=1)

    async def _may_judge(self, case: Case, prepared: Prepared) -> None:
        """The questions about an answer that is not known."""
        answered = Answered(text="", vars=prepared.vars, passages=prepared.passages)
        for assertion in _judged(case):
            asked = await self._asked(assertion, answered)
            if asked is not None:
                longer = self.stack.generation.max_tokens or 0
                self._may_ask(*asked, judging=1, longer=longer)

    async def _asked(
        self, assertion: Assertion, answered: Answered
    ) -> tuple[Model, Request] | None:
        """Which judge is asked what; None where that is nothing, since a gate refuses the suite."""
        name = assertion.judge or DEFAULT_JUDGE
        if name not in self.judges:
            return None
        listening, type_ = _Listening(self.judges[name]), TYPES[assertion.type]
        if not isinstance(type_, ServiceAssertion):
            return None
        try:
            value = rendered(assertion.value, answered.vars)
            await type_.grade(value, assertion, answered, listening)
        except JudgeFailed:
            pass
        except (UsageError, ValueError):
            return None
        return None if listening.heard is None else (self.suite.judges[name].model, listening.heard)

    def _will_ask(self, model: Model, request: Request, *, judging: int = 0) -> None:
        key = component_digest(model), request_digest(request)
        if key in self.foreseen or self.answers(model).find(key[1]) is not None:
            return
        self.foreseen.add(key)
        tokens, is_counted = self.count(model, _text_of(request))
        self.most += _amount(model, tokens, request, judging)
        least = tokens if is_counted else 0
        self.least += Amount(
            calls=1,
            judge_calls=judging,
            input_tokens=least,
            cost_usd=_least_cost(model, least),
        )

    def _may_ask(
        self, model: Model, request: Request, *, judging: int = 0, longer: int = 0
    ) -> None:
        tokens, _ = self.count(model, _text_of(request))
        self.most += _amount(model, tokens + longer, request, judging)


@dataclass(slots=True)
class _Kept:
    """An engine that answers from what is kept alone, and remembers what it was asked."""

    answers: KeptAnswers
    native_tools: bool
    name: str = "kept answers"
    concurrency: int = 1
    asked: list[Request] = field(default_factory=list)

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        kept = self.answers.find(request_digest(request))
        if kept is None:
            raise _CacheMiss(request)
        return kept

    def stream(self, request: Request) -> Pieces:
        return in_one_piece(partial(self.complete, request))

    async def aclose(self) -> None:
        """Nothing is open."""


class _Untouched:
    """Live tools, which only a run may call."""

    async def call(self, call: ToolCall) -> Called:  # noqa: ARG002
        raise _CacheMiss(None)


@dataclass(slots=True)
class _Listening:
    """`Services` that hear what a judge would be asked, and have no answer."""

    judge: ReadyJudge
    heard: Request | None = None

    async def ask_judge(
        self,
        name: str | None,  # noqa: ARG002
        question: Mapping[str, str],
        schema: Mapping[str, Json],
        read: Callable[[Mapping[str, Json]], Score],  # noqa: ARG002
    ) -> Score:
        self.heard = self.judge.request(question, schema)
        raise JudgeFailed("nobody was asked")

    async def similarities(self, text: str, others: tuple[str, ...]) -> tuple[float, ...]:
        raise NotImplementedError

    async def run_python(self, code: str, function: str, *arguments: Json) -> Json:
        raise NotImplementedError


def _judged(case: Case) -> Sequence[Assertion]:
    """Each assertion that asks a judge."""
    return [assertion for assertion in assertions_of(case) if assertion.type in JUDGED]


def _text_of(request: Request) -> str:
    """All that is read of a request: messages, the calls in them, and the tools on offer."""
    calls = (call for message in request.messages for call in message.tool_calls)
    return "\n\n".join(
        [
            *(message.content for message in request.messages),
            *(f"{call.name} {tojson(call.arguments)}" for call in calls),
            *(f"{t.name} {t.description} {tojson(t.input_schema)}" for t in request.tools),
        ]
    )


def _amount(model: Model, tokens: int, request: Request, judging: int) -> Amount:
    answer, prices = request.generation.max_tokens, model.prices
    cost = None
    if prices is not None and answer is not None:
        cost = (tokens * prices.input + answer * prices.output) / 1_000_000
    return Amount(
        calls=1, judge_calls=judging, input_tokens=tokens, output_tokens=answer, cost_usd=cost
    )


def _least_cost(model: Model, tokens: int) -> float | None:
    """With an empty answer, and the input at its lowest price."""
    if model.prices is None:
        return None
    known = (p for p in (model.prices.input, model.prices.cached_input) if p is not None)
    return tokens * min(known) / 1_000_000


def _timed(amount: Amount, pace: float | None) -> Amount:
    """With the time that so many calls for the stack take: judging is part of it."""
    calls = amount.calls - amount.judge_calls
    if pace is None or (amount.calls and not calls):
        return replace(amount, seconds=None if amount.calls else 0.0)
    return replace(amount, seconds=pace * calls)
