from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evals.cases import HERE, MODEL, PROMPT, assertion, case, stack, suite

from tetrad.assertions.types.similar import embedding_of
from tetrad.canonical import digest_of
from tetrad.evals.problems import problems_of
from tetrad.model import (
    Assertion,
    AssertionSet,
    Budget,
    Corpus,
    Documents,
    Judge,
    NearestExamples,
    Prices,
    Retrieval,
    Stack,
    Suite,
    TorchEngine,
)

BATCHED = stack(model=replace(MODEL, engine=TorchEngine()))
EMBEDDING = replace(MODEL, ref="stacks/models/minilm")
RETRIEVING = stack(
    retrieval=Retrieval(
        corpus=Corpus(
            ref="stacks/corpora/handbook",
            location=HERE,
            documents=Documents(path="handbook"),
            written_digest=None,
            digest=digest_of("documents"),
            embedding=EMBEDDING,
        ),
        query="message",
    )
)


def messages(subject: Stack, *assertions: Assertion, **further: Any) -> list[str]:
    judged = suite(case("a", *assertions), **further)
    return [issue.message for issue in problems_of(judged, subject)]


def test_a_value_is_looked_at_with_the_cases_variables_in_it() -> None:
    checks = (
        assertion("equals", "{{ expected }}"),
        assertion("regex", "({{ message }}"),
        assertion("contains-any", ["b", "{{ message }}"]),
    )

    assert messages(stack(), *checks) == [
        "equals has a value that cannot be rendered: 'expected' is not given; given: message",
        "regex is not a valid regular expression: missing ) at position 2",
    ]


@pytest.mark.parametrize(
    ("checked", "subject", "message"),
    [
        (
            assertion("latency", threshold=1),
            BATCHED,
            "latency needs an engine that times each answer, and torch answers in batches",
        ),
        (assertion("cost", threshold=1), stack(), "cost needs `prices` in evals/a/golden.yaml"),
        (
            assertion("retrieved", "a.md"),
            stack(),
            "retrieved needs a stack with a corpus, and stacks/a has none",
        ),
        (
            assertion("similar", "a"),
            stack(),
            "similar needs an embedding model: name one as `judges: {embedding: {model: …}}`",
        ),
        (
            assertion("context-faithfulness"),
            stack(),
            "context-faithfulness needs the variable `context`, or a stack with a corpus",
        ),
    ],
    ids=lambda value: value.type if isinstance(value, Assertion) else "",
)
def test_what_the_stack_or_the_suite_lacks_is_found_first(
    checked: Assertion, subject: Stack, message: str
) -> None:
    assert messages(subject, checked) == [message]


def test_what_is_there_is_no_problem() -> None:
    priced = replace(MODEL, prices=Prices(input=1, output=1))
    judges = {"default": Judge(name="default", model=MODEL)}
    checks = (
        assertion("latency", threshold=1),
        assertion("cost", threshold=1),
        assertion("retrieved", ["a.md"]),
        assertion("similar", "a"),
        assertion("context-faithfulness"),
        assertion("llm-rubric", "is {{ message }}"),
        assertion("equals", "a", transform="file://evals/a/transform.py"),
    )

    assert messages(replace(RETRIEVING, model=priced), *checks, judges=judges) == []


def test_every_problem_is_told_with_its_place_also_in_sets() -> None:
    group = AssertionSet(
        assertions=(assertion("retrieved", "a.md"), assertion("regex", "({{ message }}")),
        location=HERE,
    )
    judged = suite(case("a", group), case("b", assertion("similar", "a")))

    issues = list(problems_of(judged, stack()))

    assert len(issues) == 3
    assert {issue.location for issue in issues} == {HERE}


def test_a_latency_budget_needs_an_engine_that_times() -> None:
    budget = Budget(measure="latency_ms", statistic="p95", max=100, location=HERE)

    assert messages(BATCHED, gate=(budget,)) == [
        "latency_ms needs an engine that times each answer, and torch answers in batches"
    ]
    assert messages(stack(), gate=(budget,)) == []


def test_the_embedding_of_similar_is_the_suites_then_the_stacks() -> None:
    named: Suite = suite(judges={"embedding": Judge(name="embedding", model=MODEL)})
    select = NearestExamples(count=2, by="message", embedding=EMBEDDING)

    assert embedding_of(named, RETRIEVING) is MODEL
    assert embedding_of(suite(), RETRIEVING) is EMBEDDING
    assert embedding_of(suite(), stack(prompt=replace(PROMPT, select=select))) is EMBEDDING
    assert embedding_of(suite(), stack()) is None
