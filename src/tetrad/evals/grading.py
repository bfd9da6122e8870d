"""From an answer and a case's assertions to a grade."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tetrad.assertions.answered import Answered, PythonRaised, Services
from tetrad.assertions.assertion_type import ServiceAssertion
from tetrad.assertions.checks import is_code, value_problem
from tetrad.assertions.score import Score, binary, negated, reaches
from tetrad.assertions.table import CODED, TYPES
from tetrad.assertions.transforms import Untransformable, transformed
from tetrad.assertions.types.python_code import FUNCTION, context_of
from tetrad.assertions.values import shown
from tetrad.canonical import Json
from tetrad.errors import JudgeFailed
from tetrad.model import Assertion, AssertionSet, Case
from tetrad.results.outcome import AssertionResult
from tetrad.results.trace import Retrieved, Trace
from tetrad.templates.render import rendered
from tetrad.text import shorten


@dataclass(frozen=True, kw_only=True, slots=True)
class Grade:
    """What the assertions of a case say together."""

    passed: bool
    metrics: Mapping[str, float]
    assertions: tuple[AssertionResult, ...]


async def grade(case: Case, answered: Answered, *, metric: str, services: Services) -> Grade:
    """Evaluate a case's assertions; `metric` takes those that name none.

    The case passes if all of them do, or, with a threshold, if their weighted mean reaches it. A
    metric's score is the weighted mean of its assertions.
    """
    answered = replace(answered, description=case.description, metadata=case.metadata)
    if case.transform is not None:
        try:
            answered = await transformed(answered, case.transform, services)
        except Untransformable as error:
            return failed_by(case, metric, f"the case's transform failed: {error}")
    results: list[AssertionResult] = []
    beside: list[AssertionResult] = []  # what counts for its own metric alone
    for assertion in case.assertions:
        if isinstance(assertion, Assertion):
            result, named = await _result(assertion, answered, metric, services)
        else:
            result, named = await _set_result(assertion, answered, metric, services)
        results.append(result)
        beside.extend(named)
    passed = passes(results, case.threshold)
    results += beside
    return Grade(passed=passed, metrics=metric_means(results), assertions=tuple(results))


async def grade_trace(
    case: Case, trace: Trace, *, cost_usd: float | None, metric: str, services: Services
) -> Grade:
    """Evaluate a case's assertions on what a stack answered; what was withheld fails them all."""
    if trace.withheld:
        return failed_by(case, metric, trace.withheld)
    return await grade(case, answered_of(trace, cost_usd), metric=metric, services=services)


async def _result(
    assertion: Assertion, answered: Answered, metric: str, services: Services
) -> tuple[AssertionResult, Sequence[AssertionResult]]:
    """The assertion's result, and one for each score that its code gives a name."""
    score = await _score(assertion, answered, services)
    result = AssertionResult(
        type=assertion.written,
        metric=assertion.metric or metric,
        passed=score.passed or assertion.weight == 0,  # weight 0 measures and decides nothing
        score=score.value,
        weight=assertion.weight,
        reason=score.reason,
    )
    named = [
        AssertionResult(
            type=assertion.written,
            metric=name,
            passed=True,
            score=value,
            weight=assertion.weight,
            reason=f"the code scored {name}",
        )
        for name, value in score.named.items()
        if name != result.metric
    ]
    return result, named


async def _score(assertion: Assertion, answered: Answered, services: Services) -> Score:
    type_ = TYPES[assertion.type]
    if assertion.transform is not None:
        try:
            answered = await transformed(answered, assertion.transform, services)
        except Untransformable as error:
            # Of a `not-` as well: what could not be looked at satisfies nothing.
            return binary(False, f"the transform failed: {error}")
    try:
        value = await _value(assertion, answered, services)
    except PythonRaised as error:
        return binary(False, f"the code raised {shorten(str(error), 300)}")  # as above
    if isinstance(type_, ServiceAssertion):
        try:
            score = await type_.grade(value, assertion, answered, services)
        except PythonRaised as error:
            return binary(False, f"the code raised {shorten(str(error), 300)}")  # as above
        score = negated(score) if assertion.negated and not type_.negates else score
    else:
        score = type_.grade(value, assertion, answered)
        score = negated(score) if assertion.negated else score
    return _naming_what_it_saw(score, assertion, answered)


def _naming_what_it_saw(score: Score, assertion: Assertion, answered: Answered) -> Score:
    """A failure's reason with the text that a transform made: a report shows the answer itself."""
    is_own_words = assertion.type in CODED
    if score.passed or is_own_words or answered.untransformed in {None, answered.text}:
        return score
    return score._replace(reason=f"{score.reason}, got {shown(answered.text)}")


async def _value(assertion: Assertion, answered: Answered, services: Services) -> Json:
    """The value with variables filled in; that of a Python file is what its function returns."""
    value = rendered(assertion.value, answered.vars)
    if not is_code(assertion.type, value):
        return value
    made = await services.run_python(
        str(value), FUNCTION, answered.output, context_of(assertion, answered)
    )
    problem = value_problem(assertion, made)
    if problem is not None:
        raise JudgeFailed(f"the code returned what cannot be the value: {assertion.type} {problem}")
    return made


def failed_by(case: Case, metric: str, reason: str) -> Grade:
    """Every assertion failed for one reason: there is no answer that they could look at."""
    results = tuple(
        AssertionResult(
            type="assert-set" if isinstance(item, AssertionSet) else item.written,
            metric=item.metric or metric,
            passed=False,
            score=0.0,
            weight=item.weight,
            reason=reason,
        )
        for item in case.assertions
    )
    return Grade(passed=False, metrics=metric_means(results), assertions=results)


async def _set_result(
    group: AssertionSet, answered: Answered, metric: str, services: Services
) -> tuple[AssertionResult, Sequence[AssertionResult]]:
    """The set as one result, and those of its assertions that belong to a metric of their own."""
    graded = [await _result(a, answered, metric, services) for a in group.assertions]
    inner = [result for result, _ in graded]
    broken = [f"{r.type}: {r.reason}" for r in inner if not r.passed]
    result = AssertionResult(
        type="assert-set",
        metric=group.metric or metric,
        passed=passes(inner, group.threshold),
        score=_mean(inner),
        weight=group.weight,
        reason="; ".join(broken) if broken else f"all {len(inner)} hold",
    )
    own = [r for r, a in zip(inner, group.assertions, strict=True) if a.metric is not None]
    return result, [*own, *(score for _, named in graded for score in named)]


def passes(results: Sequence[AssertionResult], threshold: float | None) -> bool:
    """Whether a case, or a set, passes by the results of its assertions."""
    if threshold is None or not results:
        return all(result.passed for result in results)
    decides = any(result.weight for result in results)  # else nothing reaches it, as in promptfoo
    return reaches(_mean(results) if decides else 0.0, threshold)


def metric_means(results: Sequence[AssertionResult]) -> Mapping[str, float]:
    """The weighted mean of each metric's assertions."""
    if len(results) == 1:
        return {results[0].metric: results[0].score}
    by_metric: dict[str, list[AssertionResult]] = defaultdict(list)
    for result in results:
        by_metric[result.metric].append(result)
    return {name: _mean(group) for name, group in by_metric.items()}


def _mean(results: Sequence[AssertionResult]) -> float:
    """The weighted mean; the plain one where nothing has a weight."""
    total = sum(result.weight for result in results)
    if total == 0:
        return sum(result.score for result in results) / len(results)
    return min(1.0, sum(result.score * result.weight for result in results) / total)


def answered_of(trace: Trace, cost: float | None) -> Answered:
    """An answer as assertions see it before any transform."""
    return Answered(
        text=trace.output,
        vars=trace.vars,
        query=_query(trace),
        messages=trace.messages,
        passages=trace.passages,
        called=trace.called,
        latency_s=trace.latency_s,
        cost_usd=cost,
    )


def _query(trace: Trace) -> str:
    for step in trace.steps:
        if isinstance(step, Retrieved):
            return step.query
    return trace.messages[-1].content if trace.messages else ""
