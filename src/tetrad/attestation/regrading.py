"""Grading a report's recorded answers again, as far as that is arithmetic."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isclose
from typing import Any, NoReturn

from tetrad.assertions.assertion_type import PureAssertion
from tetrad.assertions.score import Score
from tetrad.assertions.table import CODED, TYPES
from tetrad.attestation.disagreement import Disagreement
from tetrad.canonical import Json
from tetrad.evals.grading import Grade, grade_trace, metric_means, passes
from tetrad.evidence.statements import Regraded
from tetrad.model import Assertion, AssertionSet, Case, Prices, Stack, Suite
from tetrad.results.outcome import AssertionResult, CaseOutcome, Sample
from tetrad.results.trace import Trace
from tetrad.runtime.guards import trimmed
from tetrad.runtime.observing import UNOBSERVED
from tetrad.runtime.output_guards import OutputGuards

_TOLERANCE = 1e-12  # of scores that two machines compute
_OF_STEPS = frozenset({"latency", "retrieved", "tool-called"})  # they read more than the text


class _NeedsService(Exception):
    """An assertion asks a judge, an embedder or code, none of which is there."""


class _NoServices:
    async def similarities(self, text: str, others: tuple[str, ...]) -> tuple[float, ...]:
        raise _NeedsService(text, others)

    async def ask_judge(
        self,
        name: str | None,
        question: Mapping[str, str],
        schema: Mapping[str, Json],
        read: Callable[[Mapping[str, Json]], Score],
    ) -> Score:
        raise _NeedsService(name, question, schema, read)

    async def run_python(self, code: str, function: str, *arguments: Json) -> Json:
        raise _NeedsService(code, function, arguments)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedSuite:
    """How answers were recorded: whose they are, at which prices, and whether each has a trace.

    `asked` are the cases as they were put to the stack, by id.
    """

    stack: Stack
    asked: Mapping[str, Case]
    prices: Prices | None
    traced: bool


async def regrade(
    suite: Suite, outcomes: Sequence[CaseOutcome], recorded: RecordedSuite, where: str
) -> Regraded:
    """Grade the recorded answers of a suite again; Disagreement where a score or a pass is another.

    What a judge, an embedder or code scored stays as recorded, and the means over it are taken again.
    """
    cases = {case.id: case for case in suite.golden.cases}
    again = total = 0
    for outcome in outcomes:
        for sample in outcome.samples:
            if sample.error is None:
                place = f"{where}#{outcome.id}"
                _check_measured(sample, recorded, place)
                if sample.trace is not None:
                    _check_trace(sample, sample.trace, outcome.id, recorded, place)
                check = _Check(cases[outcome.id], sample, suite.metrics[0], place)
                again += await check.regraded()
                total += len(sample.assertions)
    return Regraded(assertions=again, of=total)


def _check_measured(sample: Sample, recorded: RecordedSuite, where: str) -> None:
    """What an answer took is what its trace and the model's prices say."""
    trace = sample.trace
    if trace is None and recorded.traced:
        raise Disagreement(f"{where}: an answer has no trace, so it cannot be graded again")
    if trace is not None and sample.usage != trace.usage:
        raise Disagreement(f"{where}: its usage differs from the trace's")
    if trace is not None and sample.latency_s != trace.latency_s:
        raise Disagreement(f"{where}: its latency differs from the trace's")
    if sample.cost_usd != sample.usage.cost_usd(recorded.prices):
        raise Disagreement(f"{where}: its cost does not match its tokens")


def _check_trace(
    sample: Sample, trace: Trace, id_: str, recorded: RecordedSuite, where: str
) -> None:
    """What a trace says was asked is the case, and the answer is what came of what it says was given."""
    asked = recorded.asked.get(id_)
    if asked is None:
        raise Disagreement(f"{where}: it cannot be put to {recorded.stack.ref}")
    given = as_json(trace.vars)
    for name, value in as_json(asked.vars).items():
        if name not in given or given[name] != value:
            raise Disagreement(f"{where}: it was asked with another value of {name}")
    if extra := given.keys() - asked.vars.keys():
        raise Disagreement(f"{where}: it was asked with {min(extra)}, which the case does not have")
    if trace.history != asked.turns:
        raise Disagreement(f"{where}: its earlier turns differ")
    if trace.error is not None:
        raise Disagreement(f"{where}: the trace ends in an error, but the answer has none")
    if sample.breaches != trace.breaches:
        raise Disagreement(f"{where}: its broken contracts differ from the trace's")
    if trace.generated and not recorded.stack.tools:  # whose answers lie within their calls
        given_out = OutputGuards(recorded.stack.guardrails).release(
            trimmed(trace.generated[-1].completion.text), UNOBSERVED
        )
        if trace.output != given_out.text:
            raise Disagreement(f"{where}: the answer differs from the trace's")


def as_json(value: Any) -> Any:
    """A value as it comes back from JSON."""
    return json.loads(json.dumps(value, default=dict))


async def graded_alone(
    case: Case, sample: Sample, metric: str, *, cost_usd: float | None
) -> Grade | None:
    """The grade of an answer by its trace; None where it has none, or an assertion asks somebody."""
    if sample.trace is None or sample.error is not None:
        return None
    try:
        return await grade_trace(
            case, sample.trace, cost_usd=cost_usd, metric=metric, services=_NoServices()
        )
    except _NeedsService:
        return None


class _Check:
    """One recorded sample of a case."""

    def __init__(self, case: Case, sample: Sample, metric: str, where: str) -> None:
        self._case = case
        self._sample = sample
        self._metric = metric
        self._where = where

    async def regraded(self) -> int:
        """How many assertions were graded again."""
        trace, recorded = self._sample.trace, self._sample.assertions
        if trace is None:
            return await self._regraded_in_part(self._bare_trace(), reads=_reads_text_alone)
        if trace.output != self._sample.output:
            self._refuse("the trace ends with another answer")
        whole = await self._graded(self._case, trace)
        if whole is not None:
            self._compare(recorded, whole.assertions)
            self._check_whole(whole.passed, whole.metrics)
            return len(whole.assertions)
        return await self._regraded_in_part(trace)

    def _bare_trace(self) -> Trace:
        """What is known of an answer whose trace was dropped from a large report."""
        return Trace(vars=self._case.vars, steps=(), output=self._sample.output)

    async def _regraded_in_part(
        self, trace: Trace, reads: Callable[[Assertion | AssertionSet], bool] = lambda _: True
    ) -> int:
        recorded = self._sample.assertions
        again = 0
        is_withheld = self._sample.trace is None and not any(r.score for r in recorded)
        for item, result in zip(self._case.assertions, recorded, strict=False):
            if is_withheld or not reads(item):
                continue
            alone = await self._graded(
                replace(self._case, assertions=(item,), threshold=None), trace
            )
            if alone is not None:
                self._compare((result,), alone.assertions[:1])
                again += 1
        self._check_sums()
        return again

    async def _graded(self, case: Case, trace: Trace) -> Grade | None:
        sample = replace(self._sample, trace=trace)
        return await graded_alone(case, sample, self._metric, cost_usd=sample.cost_usd)

    def _compare(
        self, recorded: Sequence[AssertionResult], graded: Sequence[AssertionResult]
    ) -> None:
        if len(recorded) != len(graded):
            self._refuse(f"{len(recorded)} assertions recorded, expected {len(graded)}")
        for said, found in zip(recorded, graded, strict=True):
            if not _is_alike(said, found):
                self._refuse(
                    f"{said.type} is recorded with the score {said.score:g}, expected {found.score:g}"
                )

    def _check_sums(self) -> None:
        """Whether what is recorded of the whole case follows from what is of its assertions."""
        items, results = self._case.assertions, self._sample.assertions
        if len(results) < len(items):
            self._refuse(f"{len(results)} assertions recorded, expected {len(items)}")
        own, beside = results[: len(items)], results[len(items) :]
        for item, result in zip(items, own, strict=True):
            if (result.type, result.metric, result.weight) != _written(item, self._metric):
                self._refuse(
                    f"{result.type} is recorded where the golden set has another assertion"
                )
        extra = next((r for r in beside if r.type not in set(_may_add(items))), None)
        if extra is not None:
            self._refuse(f"{extra.type} is recorded, and the golden set has no such assertion")
        self._check_whole(passes(own, self._case.threshold), metric_means(results))

    def _check_whole(self, passed: bool, means: Mapping[str, float]) -> None:
        if self._sample.passed != passed:
            self._refuse("whether it passed does not follow from its assertions")
        said = self._sample.metrics
        if said.keys() != means.keys() or not all(_is_close(said[m], means[m]) for m in means):
            self._refuse("its metrics do not follow from its assertions")

    def _refuse(self, problem: str) -> NoReturn:
        raise Disagreement(f"{self._where}: {problem}")


def _is_alike(one: AssertionResult, other: AssertionResult) -> bool:
    return (
        (one.type, one.metric, one.passed, one.weight)
        == (other.type, other.metric, other.passed, other.weight)
    ) and _is_close(one.score, other.score)


def _is_close(one: float, other: float) -> bool:
    return isclose(one, other, rel_tol=0, abs_tol=_TOLERANCE)


def _written(item: Assertion | AssertionSet, metric: str) -> tuple[str, str, float]:
    type_ = "assert-set" if isinstance(item, AssertionSet) else item.written
    return type_, item.metric or metric, item.weight


def _reads_text_alone(item: Assertion | AssertionSet) -> bool:
    """Whether an assertion looks at nothing but the text of an answer."""
    if isinstance(item, AssertionSet):
        return all(map(_reads_text_alone, item.assertions))
    is_pure = isinstance(TYPES[item.type], PureAssertion) and item.type not in _OF_STEPS
    return is_pure and "{{" not in str(item.value)


def _may_add(items: Sequence[Assertion | AssertionSet]) -> Iterator[str]:
    """The types whose results stand beside those of the case's own assertions."""
    for item in items:
        inner = item.assertions if isinstance(item, AssertionSet) else ()
        yield from (a.written for a in inner)
        if isinstance(item, Assertion) and item.type in CODED:
            yield item.written
