"""Why cases of a golden set cannot be judged, found before anything is asked.

An answer that cannot be graded was paid for in vain; so every assertion is looked at first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeAlias

from tetrad.assertions.expressions import is_transform
from tetrad.assertions.types import JUDGED
from tetrad.assertions.value_checks import is_templated, value_problem
from tetrad.canonical import Json
from tetrad.errors import Issue, Location, UsageError
from tetrad.model import (
    Assertion,
    AssertionSet,
    Case,
    GoldenSet,
    Model,
    Stack,
    Suite,
    TorchEngine,
)

EMBEDDING_JUDGE = "embedding"
DEFAULT_JUDGE = "default"
CODE = "GLD983"

Render: TypeAlias = Callable[[Json, Mapping[str, Json]], Json]

_OF_STACK = frozenset({"latency", "cost", "retrieved", "similar", "context-faithfulness"})


def assertions_of(case: Case) -> Iterator[Assertion]:
    """The case's assertions, those in sets included."""
    for assertion in case.assertions:
        if isinstance(assertion, AssertionSet):
            yield from assertion.assertions
        else:
            yield assertion


def issues_as_written(golden: GoldenSet) -> Iterator[Issue]:
    """What is wrong with assertions and transforms whatever they judge.

    Values with variables to be filled in are left to `issues_when_rendered`.
    """
    for case in golden.cases:
        if case.transform is not None:
            yield from _transform_issues(case.transform, case.location)
        for assertion in assertions_of(case):
            if not is_templated(assertion.value):
                problem = value_problem(assertion, assertion.value)
                if problem is not None:
                    yield _issue(assertion, problem)
            if assertion.transform is not None:
                yield from _transform_issues(assertion.transform, assertion.location)


def issues_when_rendered(golden: GoldenSet, render: Render) -> Iterator[Issue]:
    """What is wrong with values once a case's variables are filled in."""
    for case in golden.cases:
        for assertion in assertions_of(case):
            if is_templated(assertion.value):
                problem = _rendered_problem(assertion, case, render)
                if problem is not None:
                    yield _issue(assertion, problem)


def _rendered_problem(assertion: Assertion, case: Case, render: Render) -> str | None:
    try:
        value = render(assertion.value, case.vars)
    except (UsageError, ValueError) as error:
        return f"has a value that cannot be rendered: {error}"
    return value_problem(assertion, value)


def issues_without_judges(golden: GoldenSet, judges: Collection[str], file: str) -> Iterator[Issue]:
    """Assertions that a judge decides, and that none of the suite's can; `file` is the suite's."""
    for case in golden.cases:
        for assertion in assertions_of(case):
            if assertion.type not in JUDGED:
                continue
            if "rubricPrompt" in assertion.config:
                # graded without it, the case would ask its judge something else than it says
                problem = "has a `rubricPrompt`, which is not read"
                yield _issue(assertion, problem, "give a judge a prompt: under judges:")
            elif assertion.judge is None and DEFAULT_JUDGE not in judges:
                problem = f"needs the judge {DEFAULT_JUDGE!r} under `judges:` of {file}"
                yield _issue(assertion, problem)


def issues_on_stack(golden: GoldenSet, stack: Stack, judges: Collection[str]) -> Iterator[Issue]:
    """What a stack lacks that assertions on its answers need; `judges` are the suite's names."""
    for case in golden.cases:
        for assertion in assertions_of(case):
            if assertion.type in _OF_STACK:
                lack = _lack(assertion, case, stack, judges)
                if lack is not None:
                    yield _issue(assertion, lack)


def _lack(assertion: Assertion, case: Case, stack: Stack, judges: Collection[str]) -> str | None:
    match assertion.type:
        case "latency":
            return latency_lack(stack)
        case "cost" if stack.model.prices is None:
            return f"needs `prices` in {stack.model.location.file}"
        case "retrieved" if stack.retrieval is None:
            return f"needs a stack with a corpus, and {stack.ref} has none"
        case "similar" if EMBEDDING_JUDGE not in judges and own_embedding(stack) is None:
            return "needs an embedding model: name one as `judges: {embedding: {model: …}}`"
        case "context-faithfulness" if stack.retrieval is None and "context" not in case.vars:
            return "needs the variable `context`, or a stack with a corpus"
    return None


def latency_lack(stack: Stack) -> str | None:
    """Why a stack's answers have no latency that could be judged."""
    if isinstance(stack.model.engine, TorchEngine):
        return "needs an engine that times each answer, and torch answers in batches"
    return None


def embedding_of(suite: Suite, stack: Stack) -> Model | None:
    """The model whose vectors decide `similar`: the judge named `embedding`, which changes with the
    suite alone; else the one that the stack itself retrieves or selects with.
    """
    if EMBEDDING_JUDGE in suite.judges:
        return suite.judges[EMBEDDING_JUDGE].model
    return own_embedding(stack)


def own_embedding(stack: Stack) -> Model | None:
    """The model that a stack retrieves or selects examples with."""
    if stack.retrieval is not None:
        return stack.retrieval.corpus.embedding
    return None if stack.prompt.select is None else stack.prompt.select.embedding


def _transform_issues(transform: str, location: Location) -> Iterator[Issue]:
    if not is_transform(transform):
        yield Issue(
            location=location,
            code=CODE,
            message=f"the transform {transform!r} is JavaScript, which does not run here",
            hint="write a function in a file: transform: file://transform.py:get_transform",
            blocks="judge",
        )


def _issue(assertion: Assertion, problem: str, hint: str = "") -> Issue:
    message = f"{assertion.written} {problem}"
    return Issue(location=assertion.location, code=CODE, message=message, hint=hint, blocks="judge")
