"""What keeps a suite from being executed, found before anything is asked.

An answer that cannot be graded was paid for in vain; so every assertion is looked at first.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from tetrad.errors import Issue, MissingExtra, UsageError
from tetrad.evals.assertions import TYPES
from tetrad.evals.assertions.verdict import Decided
from tetrad.evals.grading import rendered, written_type
from tetrad.evals.transforms import is_transform
from tetrad.spec.model import (
    Assertion,
    AssertionSet,
    Budget,
    Case,
    Model,
    Stack,
    Suite,
    TorchEngine,
)

EMBEDDING_JUDGE = "embedding"
DEFAULT_JUDGE = "default"


def problems_of(suite: Suite, stack: Stack) -> Iterator[Issue]:
    """Why cases of the suite could not be graded on the stack; MissingExtra where a library lacks."""
    for requirement in suite.gate:
        if isinstance(requirement, Budget) and requirement.measure == "latency_ms":
            problem = _latency_problem(stack)
            if problem is not None:
                yield Issue(location=requirement.location, message=f"latency_ms {problem}")
    for case in suite.golden.cases:
        if case.transform is not None and (problem := _transform_problem(case.transform)):
            yield Issue(location=case.location, message=problem, hint=_TRANSFORM_HINT)
        for assertion in assertions_of(case):
            yield from _assertion_issues(assertion, case, suite, stack)


def assertions_of(case: Case) -> Iterator[Assertion]:
    """The case's assertions, those in sets included."""
    for assertion in case.assertions:
        if isinstance(assertion, AssertionSet):
            yield from assertion.assertions
        else:
            yield assertion


def embedding_of(suite: Suite, stack: Stack) -> Model | None:
    """The model whose vectors decide `similar`: the judge named `embedding`, which changes with the
    suite alone; else the one that the stack itself retrieves or selects with.
    """
    if EMBEDDING_JUDGE in suite.judges:
        return suite.judges[EMBEDDING_JUDGE].model
    if stack.retrieval is not None:
        return stack.retrieval.corpus.embedding
    if stack.prompt.select is not None:
        return stack.prompt.select.embedding
    return None


def _assertion_issues(
    assertion: Assertion, case: Case, suite: Suite, stack: Stack
) -> Iterator[Issue]:
    name = written_type(assertion)
    for problem in _problems(assertion, case, suite, stack):
        yield Issue(location=assertion.location, message=f"{name} {problem}")
    if assertion.transform is not None and (bad := _transform_problem(assertion.transform)):
        yield Issue(location=assertion.location, message=bad, hint=_TRANSFORM_HINT)


def _problems(assertion: Assertion, case: Case, suite: Suite, stack: Stack) -> Iterator[str]:
    kind = TYPES.get(assertion.type)
    if kind is None:
        yield "is an assertion that does not exist yet"
        return
    if isinstance(kind, Decided) and kind.library and find_spec(kind.library) is None:
        raise MissingExtra("metrics", f"the assertion {assertion.type}")
    try:
        value = rendered(assertion.value, case.vars)
    except (UsageError, ValueError) as error:
        yield f"has a value that cannot be rendered: {error}"
        return
    problem = kind.problem(value, assertion) or _lack(assertion, case, suite, stack)
    if problem is not None:
        yield problem


def _lack(assertion: Assertion, case: Case, suite: Suite, stack: Stack) -> str | None:
    """What the suite or the stack does not have that the assertion needs."""
    lack: str | None = None
    match assertion.type:
        case "latency":
            lack = _latency_problem(stack)
        case "cost" if stack.model.prices is None:
            lack = f"needs `prices` in {stack.model.location.file}"
        case "retrieved" if stack.retrieval is None:
            lack = f"needs a stack with a corpus, and {stack.ref} has none"
        case "similar" if embedding_of(suite, stack) is None:
            lack = "needs an embedding model: name one as `judges: {embedding: {model: …}}`"
        case "llm-rubric" | "context-faithfulness" if "rubricPrompt" in assertion.config:
            # graded without it, the case would ask its judge something else than it says
            lack = (
                "has a `rubricPrompt`, which is not read: give a judge a `prompt` under `judges:`"
            )
        case "context-faithfulness" if stack.retrieval is None and "context" not in case.vars:
            lack = "needs the variable `context`, or a stack with a corpus"
        case "llm-rubric" | "context-faithfulness":
            lack = _judge_lack(assertion.judge or DEFAULT_JUDGE, suite)
    return lack


def _judge_lack(name: str, suite: Suite) -> str | None:
    if name in suite.judges:
        return None
    return f"needs the judge {name!r} under `judges:` of {suite.location.file}"


def _latency_problem(stack: Stack) -> str | None:
    if isinstance(stack.model.engine, TorchEngine):
        return "needs an engine that times each answer, and torch answers in batches"
    return None


_TRANSFORM_HINT = "write a function in a file: transform: file://transform.py:get_transform"


def _transform_problem(transform: str) -> str | None:
    if is_transform(transform):
        return None
    return f"the transform {transform!r} is JavaScript, which does not run here"
