"""The assertions of a suite that need no expected answer: those that all of its cases share.

A golden set says by them what holds of every answer (its form, its length, a judge's rubric), so live
answers can be held to them, too.
"""

from __future__ import annotations

from tetrad.errors import Location, UsageError
from tetrad.model import DEFAULT_JUDGE, Assertion, AssertionSet, Case, Suite
from tetrad.results.trace import Trace

RUBRIC = "rubric"  # the metric of a rubric that the command names


def shared_by_all(suite: Suite) -> tuple[Assertion | AssertionSet, ...]:
    """In the order of the first case."""
    first, *others = suite.golden.cases or (None,)
    if first is None:
        return ()
    return tuple(one for one in first.assertions if all(one in c.assertions for c in others))


def with_rubric(suite: Suite, rubric: str) -> Assertion:
    """A rubric for the suite's judge; UsageError where there is none."""
    if DEFAULT_JUDGE not in suite.judges:
        raise UsageError(
            f"{suite.ref} has no judge for the rubric\n  help: name one as `judges: {{default: …}}`"
        )
    return Assertion(type="llm-rubric", value=rubric, metric=RUBRIC, location=Location(suite.ref))


def case_of(answer: Trace, name: str, assertions: tuple[Assertion | AssertionSet, ...]) -> Case:
    """A live answer as a case that asserts what is shared."""
    return Case(
        id=name,
        vars=answer.vars,
        turns=answer.history,
        assertions=assertions,
        location=Location(name),
    )
