"""Executing cases: everything that is selected, in one go, with bounded memory.

Selections that share an engine are one stream of requests to it, so that its batches fill across
suites, and streams of different engines run side by side. What is held at any time is the window of
requests in flight, the outcomes, and a capped number of traces.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tetrad.answers import RunRecord
from tetrad.artifacts.progress import Progress, Unwatched
from tetrad.errors import DatabaseError, EngineRefused, TetradError
from tetrad.evals.answer_store import BuildMoved
from tetrad.evals.case_selection import CaseSelection, outcome_of
from tetrad.evals.kept_engine import Recorded
from tetrad.evals.traces import Traces
from tetrad.evals.watching import Watch
from tetrad.model import Case
from tetrad.results.exchange import Usage
from tetrad.results.outcome import Calls, CaseOutcome, Sample, SuiteRun
from tetrad.results.trace import Trace
from tetrad.runtime.answering import Given, Prepared, Toolbox

# Traces that are kept for reports; see `Traces` for which.
TRACES = 2_000
# Requests prepared together, so that their queries are embedded in one batch.
CHUNK = 64
# What makes a result missing: whatever else is raised is a bug, and ends the run with its report.
FAILURES = (TetradError, MemoryError)
# Outcomes committed together.
GROUP = 256


class Answerer(Protocol):
    """What an execution needs of `tetrad.runtime.answering.Runtime`."""

    def prepare_many(self, requests: Sequence[Given]) -> Sequence[Prepared]: ...

    async def answer_prepared(
        self, prepared: Prepared, *, toolbox: Toolbox, sample: int = 0
    ) -> Trace: ...


class RunLog(Protocol):
    """What keeps that suites ran, and their results."""

    def start_runs(self, records: Sequence[RunRecord]) -> list[int]: ...

    def keep_results(self, run: int, outcomes: Iterable[tuple[int, CaseOutcome]]) -> None: ...

    def finish_run(self, run: int, record: RunRecord, calls: Calls, *, replaces: bool) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectedCases(CaseSelection):
    """Cases to be executed on a stack here, with what answers them."""

    engine: Recorded
    runtime: Answerer
    toolbox: Callable[[Case], Toolbox]
    model: str = ""  # the name of the one that answers

    @property
    def is_whole(self) -> bool:
        """Whether the golden set is executed as it stands in its file, whichever side judges by it."""
        golden = self.suite.golden
        return golden.is_whole and self.cases == golden.cases

    @property
    def embeds(self) -> bool:
        """Whether preparing a request takes an embedder."""
        return self.stack.retrieval is not None or self.stack.prompt.select is not None


async def execute(
    selections: Sequence[SelectedCases],
    *,
    log: RunLog,
    progress: Progress | None = None,
    traces: int = TRACES,
) -> tuple[SuiteRun, ...]:
    """Execute all selections; a run for each, in order, with outcomes in the golden set's order.

    Where an engine, a tool or a judge fails, the sample has an `error` and no metrics. The log
    failing ends the execution: answers that cannot be kept would be paid for again. Where kept
    answers were served and the endpoint then proves to be of another build, all begins again.
    """
    numbers = log.start_runs([_record(selection) for selection in selections])
    while True:
        kept = Traces(traces)
        runs = [_Run(n, s, log, kept) for n, s in zip(numbers, selections, strict=True)]
        watch = Watch(progress or Unwatched(), sum(run.samples for run in runs))
        try:
            await _work(runs, watch)
        except BuildMoved:  # once for each engine at most: it has said now what its build is
            continue
        finally:
            watch.over()
            for selection in selections:
                selection.engine.commit()
        return tuple(run.finished() for run in runs)


async def _work(runs: Sequence[_Run], watch: Watch) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for stream in _by_engine(runs):
                group.create_task(_Stream(stream, watch).work())
    except ExceptionGroup as errors:
        raise _first(errors) from None


def _by_engine(runs: Sequence[_Run]) -> Sequence[Sequence[_Run]]:
    streams: dict[int, list[_Run]] = {}
    for run in runs:
        streams.setdefault(id(run.selection.engine), []).append(run)
    return tuple(streams.values())


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    """The error that ended the others; nested groups come from the streams' own workers."""
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


@dataclass(frozen=True, slots=True)
class _Ask:
    """One sample of one case, on its way."""

    run: _Run
    index: int
    sample: int
    prepared: Prepared | Exception

    async def answered(self) -> Trace | Exception:
        """What happened, or why there is no answer: one case's failure is that case's alone.

        An error of ours is raised: as a missing result nobody would ever report it.
        """
        if isinstance(self.prepared, Exception):
            return self.prepared
        selection, case = self.run.selection, self.run.case(self.index)
        try:
            return await selection.runtime.answer_prepared(
                self.prepared, toolbox=selection.toolbox(case), sample=self.sample
            )
        except (DatabaseError, EngineRefused, BuildMoved):
            raise
        except FAILURES as error:
            return error


class _Stream:
    """The samples of all runs that share an engine, answered by a fixed number of workers.

    A worker asks on while its last answer is graded, or waits for a judge: an endpoint has as many
    requests as it likes in flight, and as many answers at most wait to be graded.
    """

    def __init__(self, runs: Sequence[_Run], watch: Watch) -> None:
        self._watch = watch
        self._workers = max(1, runs[0].selection.engine.concurrency)
        self._grading = asyncio.Semaphore(self._workers)
        self._chunks = _chunks(runs)
        self._ready: deque[_Ask] = deque()
        self._filling: asyncio.Task[None] | None = None

    async def work(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._worker(group))

    async def _worker(self, group: asyncio.TaskGroup) -> None:
        while (ask := await self._next(group)) is not None:
            answered = await ask.answered()
            await self._grading.acquire()
            group.create_task(self._grade(ask, answered))

    async def _grade(self, ask: _Ask, answered: Trace | Exception) -> None:
        try:
            sample = await ask.run.grade(ask, answered)
        finally:
            self._grading.release()
        self._watch.seen(sample)

    async def _next(self, group: asyncio.TaskGroup) -> _Ask | None:
        while not self._ready:
            filling = self._fill(group)
            if filling is None:
                return None
            await asyncio.wait([filling])  # what goes wrong in it ends the group
        ask = self._ready.popleft()
        if len(self._ready) < 2 * self._workers:
            self._fill(group)  # ahead of need, beside the answers in flight
        return ask

    def _fill(self, group: asyncio.TaskGroup) -> asyncio.Task[None] | None:
        """The task that prepares the next chunk; None where there is no next."""
        if self._filling is not None and not self._filling.done():
            return self._filling
        chunk = next(self._chunks, None)
        if chunk is None:
            return None
        self._filling = group.create_task(self._prepare(*chunk))
        return self._filling

    async def _prepare(self, run: _Run, indices: range) -> None:
        cases = [run.case(index) for index in indices]
        if run.selection.embeds:
            # In a thread: an embedder takes its time, and answers in flight go on meanwhile.
            prepared = await asyncio.to_thread(_prepared, run.selection.runtime, cases)
        else:
            # Not in a thread, which would only fight this one for the interpreter's lock.
            prepared = _prepared(run.selection.runtime, cases)
        for index, case, one in zip(indices, cases, prepared, strict=True):
            self._ready.extend(_Ask(run, index, sample, one) for sample in range(case.repeats))


def _chunks(runs: Sequence[_Run]) -> Iterator[tuple[_Run, range]]:
    for run in runs:
        total = len(run.selection.cases)
        for start in range(0, total, CHUNK):
            yield run, range(start, min(total, start + CHUNK))


def _prepared(runtime: Answerer, cases: Sequence[Case]) -> Sequence[Prepared | Exception]:
    """Every case prepared, or why none could be: an embedder that runs out of memory, say."""
    try:
        return runtime.prepare_many([Given(vars=case.vars, history=case.turns) for case in cases])
    except FAILURES as error:  # as of one case, of those that are prepared together
        return [error] * len(cases)


class _Run:
    """One selection's run: samples come in as they are done, outcomes are committed in groups."""

    def __init__(self, number: int, selection: SelectedCases, log: RunLog, traces: Traces) -> None:
        self.selection = selection
        self._number = number  # the log's; it rises with the selections
        self._log = log
        self._traces = traces
        self._samples: list[list[Sample | None]] = [[None] * c.repeats for c in selection.cases]
        self._calls = Calls()
        self._uncommitted: list[int] = []
        self._positions = _positions(selection)

    @property
    def samples(self) -> int:
        return sum(case.repeats for case in self.selection.cases)

    def case(self, index: int) -> Case:
        return self.selection.cases[index]

    async def grade(self, ask: _Ask, answered: Trace | Exception) -> Sample:
        if isinstance(answered, Exception):
            sample = _missing(answered, None)
        else:
            try:
                sample = await self._graded(ask, answered)
            except (DatabaseError, EngineRefused, BuildMoved):
                raise
            except FAILURES as error:
                sample = _missing(error, answered)
            self._traces.offer((sample.passed, self._number, ask.index, ask.sample), answered)
        slots = self._samples[ask.index]
        slots[ask.sample] = sample
        if all(done is not None for done in slots):
            self._uncommitted.append(ask.index)
            if len(self._uncommitted) >= GROUP:
                self._commit()
        return sample

    def finished(self) -> SuiteRun:
        """The run's value, once every sample is in."""
        self._commit()
        self._log.finish_run(
            self._number, _record(self.selection), self._calls, replaces=self.selection.is_whole
        )
        return self.selection.run_of(self._outcome(index) for index in range(len(self._samples)))

    async def _graded(self, ask: _Ask, trace: Trace) -> Sample:
        generated = trace.generated
        self._calls += Calls(
            made=sum(g.completion.requests for g in generated if not g.cached),
            cached=sum(g.cached for g in generated),
        )
        if trace.error is not None:
            return Sample(output=trace.output, error=trace.error, metrics={}, usage=trace.usage)
        return await self.selection.graded(self.case(ask.index), trace)

    def _outcome(self, index: int, *, traces: bool = True) -> CaseOutcome:
        samples = [sample for sample in self._samples[index] if sample is not None]
        if traces:
            samples = [
                self._with_trace(sample, index, number) for number, sample in enumerate(samples)
            ]
        return outcome_of(self.case(index), samples)

    def _with_trace(self, sample: Sample, index: int, number: int) -> Sample:
        trace = self._traces.get((sample.passed, self._number, index, number))
        return sample if trace is None else replace(sample, trace=trace)

    def _commit(self) -> None:
        if self._uncommitted:
            done, self._uncommitted = self._uncommitted, []
            self.selection.engine.commit()  # no result without the answers that it comes from
            self._log.keep_results(
                self._number, [(self._positions[i], self._outcome(i, traces=False)) for i in done]
            )


def _record(selection: SelectedCases) -> RunRecord:
    return RunRecord(
        suite=selection.suite.ref,
        stack=selection.stack.ref,
        identity=selection.identity,
        golden=selection.suite.golden.digest,
        engine=selection.engine.name,
    )


def _positions(selection: SelectedCases) -> Sequence[int]:
    """Where each selected case stands in the golden set."""
    if selection.is_whole:
        return range(len(selection.cases))
    places = {case.id: place for place, case in enumerate(selection.suite.golden.cases)}
    # A case of an older golden set that runs beside the newer one's has no place there.
    return [places.get(case.id, len(places) + i) for i, case in enumerate(selection.cases)]


def _missing(error: Exception, trace: Trace | None) -> Sample:
    words = str(error) if isinstance(error, TetradError) else "out of memory"
    return Sample(
        output="" if trace is None else trace.output,
        error=words,
        metrics={},
        usage=Usage() if trace is None else trace.usage,
    )
