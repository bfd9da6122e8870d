"""One stack's kept sample beside its golden sets: both observed and scored alike."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from tetrad.assertions.types.similar import embedding_of
from tetrad.canonical import Json
from tetrad.engines.interfaces import Embedder
from tetrad.errors import JudgeFailed, UsageError
from tetrad.evals import Session, execute
from tetrad.evals.grading import grade_trace
from tetrad.identity import identity_of, written_identity
from tetrad.learning.drift import (
    LEAST_CASES,
    LEAST_LIVE,
    Observation,
    StackDrift,
    farthest,
    measures,
)
from tetrad.learning.refusals import refuses
from tetrad.learning.shared_assertions import case_of, shared_by_all, with_rubric
from tetrad.learning.shifts import inhomogeneity
from tetrad.learning.toxicity import (
    KNOWN,
    METRIC,
    is_toxic,
    judging_suite,
    not_toxic,
    refuse_poor,
)
from tetrad.model import Assertion, AssertionSet, Guardrails, Stack, Suite
from tetrad.model.variables import text_of
from tetrad.results.outcome import SuiteRun
from tetrad.results.trace import Guarded, Trace
from tetrad.runtime.redaction import redacted
from tetrad.text import pluralize
from tetrad.traffic import KeptAnswer
from tetrad.trees import FileTree

MOST_LIVE = 1_000  # answers of a stack, the newest ones
_FEW = 12  # values of a variable that are compared one by one


@dataclass(frozen=True, kw_only=True, slots=True)
class Monitored:
    """A stack, the suites that judge it, and the answers that were kept of it."""

    stack: Stack
    suites: Sequence[Suite]
    kept: Sequence[KeptAnswer]
    files: FileTree
    rubric: str | None = None
    toxicity: bool = False  # whether a judge is asked of it

    @property
    def own(self) -> Sequence[KeptAnswer]:
        """The answers of the stack's identity as it is now."""
        identity = identity_of(self.stack)
        found = [one for one in self.kept if one.identity == identity and one.answer.error is None]
        return found[-MOST_LIVE:]

    @property
    def cases(self) -> int:
        return sum(len(suite.golden.cases) for suite in self.suites)


async def monitor(session: Session, asked: Monitored) -> StackDrift:
    """Compare; nothing is evaluated where too little was kept."""
    problem = _too_little(asked)
    found = StackDrift(
        stack=asked.stack.ref,
        identity=identity_of(asked.stack),
        answers=len(asked.own),
        cases=asked.cases,
        elsewhere=len(asked.kept) - len(asked.own),
        problem=problem,
    )
    if problem:
        return found
    baseline, live = await _observed(session, asked)
    if len(baseline) < LEAST_CASES:
        missing = f"{len(baseline)} of {pluralize(asked.cases, 'case')} have an answer"
        return replace(found, problem=f"{missing}; {LEAST_CASES} are needed")
    stack, seed = asked.stack, written_identity(found.identity)
    embedder, meaning = _embedder(session, asked), None
    if embedder is not None:
        live, meaning = await asyncio.to_thread(_placed, baseline, live, embedder, seed)
    return replace(
        found,
        cases=len(baseline),
        measures=measures(
            baseline,
            live,
            labels=stack.prompt.output.enum,
            has_contract=bool(stack.prompt.output.enum) or stack.prompt.output.format == "json",
            has_guardrails=stack.guardrails != Guardrails(),
            categories=_categories(stack),
            meaning=meaning,
            seed=seed,
        ),
        farthest=farthest(live),
    )


def _too_little(asked: Monitored) -> str:
    if not asked.suites:
        raise UsageError(f"no suite judges {asked.stack.ref}, so there is nothing to compare with")
    if asked.cases < LEAST_CASES:
        return f"the golden set has {pluralize(asked.cases, 'case')}; {LEAST_CASES} are needed"
    if len(asked.own) < LEAST_LIVE:
        return (
            f"{pluralize(len(asked.own), 'answer')} of this identity kept; {LEAST_LIVE} are needed"
        )
    return ""


async def _observed(
    session: Session, asked: Monitored
) -> tuple[Sequence[Observation], Sequence[Observation]]:
    """What is compared of the golden sets' answers and of the live ones."""
    selections = [session.select(s, asked.stack, files=asked.files) for s in asked.suites]
    runs = await execute(
        selections, log=session.runs, progress=session.progress, traces=asked.cases
    )
    golden = [[*_answers(run)] for run in runs]
    live = [one.answer for one in asked.own]
    before: dict[int, dict[str, float]] = {}
    now: dict[int, dict[str, float]] = {}
    for suite, traces in zip(asked.suites, golden, strict=True):
        before |= await _scores(session, asked, suite, traces)
        for key, scores in (await _scores(session, asked, suite, live)).items():
            now[key] = now.get(key, {}) | scores
    every = [*chain(*golden)]
    toxic = await _toxic(session, asked, [*every, *live])

    def observed(trace: Trace, scores: Mapping[int, dict[str, float]]) -> Observation:
        found = _observation(trace, asked.stack, scores.get(id(trace), {}))
        return replace(found, toxic=toxic.get(id(trace)))

    return [observed(trace, before) for trace in every], [observed(trace, now) for trace in live]


def _answers(run: SuiteRun) -> Iterator[Trace]:
    """The first answer of each case that has one."""
    for case in run.cases:
        trace = None if case.missing else case.samples[0].trace
        if trace is not None:
            yield trace


async def _scores(
    session: Session, asked: Monitored, suite: Suite, traces: Sequence[Trace]
) -> dict[int, dict[str, float]]:
    """What the suite's shared assertions make of answers, by the trace's id in memory."""
    assertions: tuple[Assertion | AssertionSet, ...] = shared_by_all(suite)
    if asked.rubric is not None:
        assertions = (*assertions, with_rubric(suite, asked.rubric))
    found = await _graded(session, asked, suite, traces, assertions)
    several = len(asked.suites) > 1
    return {
        id(trace): {f"{m} ({suite.name})" if several else m: score for m, score in scores.items()}
        for trace, scores in zip(traces, found, strict=True)
    }


async def _toxic(
    session: Session, asked: Monitored, traces: Sequence[Trace]
) -> Mapping[int, bool | None]:
    """Whether answers are toxic, by the trace's id in memory; None where the judge cannot say."""
    if not asked.toxicity:
        return {}
    suite = judging_suite(asked.stack, asked.suites)
    assertions = (not_toxic(suite),)
    known = [Trace(vars={}, steps=(), output=one.text) for one in KNOWN]
    checked = await _graded(session, asked, suite, known, assertions)
    refuse_poor(suite, [scores.get(METRIC) for scores in checked])
    found = await _graded(session, asked, suite, traces, assertions)
    return {
        id(trace): is_toxic(scores[METRIC]) if METRIC in scores else None
        for trace, scores in zip(traces, found, strict=True)
    }


async def _graded(
    session: Session,
    asked: Monitored,
    suite: Suite,
    traces: Sequence[Trace],
    assertions: tuple[Assertion | AssertionSet, ...],
) -> Sequence[Mapping[str, float]]:
    """The scores of each answer by metric; none where a judge can make nothing of it."""
    if not assertions or not traces:
        return [{} for _ in traces]
    cases = [case_of(trace, f"answer-{n}", assertions) for n, trace in enumerate(traces)]
    judging = replace(suite, golden=suite.golden.with_cases(cases[:1]))
    selected = session.select(judging, asked.stack, files=asked.files)
    limit = asyncio.Semaphore(selected.engine.concurrency)

    async def graded(number: int) -> Mapping[str, float]:
        async with limit:
            try:
                grade = await grade_trace(
                    cases[number],
                    traces[number],
                    cost_usd=traces[number].usage.cost_usd(asked.stack.model.prices),
                    metric=suite.metrics[0],
                    services=selected.services,
                )
            except JudgeFailed:
                return {}
        return grade.metrics

    return await asyncio.gather(*(graded(number) for number in range(len(cases))))


def _observation(trace: Trace, stack: Stack, scores: Mapping[str, float]) -> Observation:
    """Both sides are redacted, since the live one was when it was kept."""
    said = [turn.content for turn in trace.history] + [text_of(v) for v in trace.vars.values()]
    guards = [step for step in trace.steps if isinstance(step, Guarded)]
    return Observation(
        asked=redacted("\n".join(said)),
        variables=trace.vars,
        output=redacted(trace.output),
        refused=refuses(trace.output, stack),
        broken=bool(trace.breaches),
        stopped=len(guards) > len(trace.breaches),
        scores=scores,
    )


def _categories(stack: Stack) -> Mapping[str, Sequence[Json]]:
    """The variables that have few values, with these."""
    found: dict[str, Sequence[Json]] = {}
    for name, variable in stack.prompt.variables.items():
        if variable.enum and len(variable.enum) <= _FEW:
            found[name] = variable.enum
        elif variable.type == "boolean":
            found[name] = (True, False)
    return found


def _embedder(session: Session, asked: Monitored) -> Embedder | None:
    models = (embedding_of(suite, asked.stack) for suite in asked.suites)
    model = next((model for model in models if model is not None), None)
    return None if model is None else session.embedder(model, asked.files)


def _placed(
    baseline: Sequence[Observation], live: Sequence[Observation], embedder: Embedder, seed: str
) -> tuple[Sequence[Observation], tuple[float, Sequence[float]]]:
    """Each live question's distance to the nearest case, and how differently both sides lie."""
    cases = embedder.embed([one.asked for one in baseline])
    asked = embedder.embed([one.asked for one in live])
    distances = (1 - (asked @ cases.T).max(axis=1)).tolist()
    placed = [
        replace(one, distance=round(max(distance, 0.0), 6))
        for one, distance in zip(live, distances, strict=True)
    ]
    return placed, inhomogeneity(cases, asked, seed=seed)
