from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evals.cases import HERE, MODEL, PROMPT, assertion, case, stack, suite

from tetrad.canonical import digest_of
from tetrad.evals.problems import embedding_of, problems_of
from tetrad.spec.model import (
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


@pytest.mark.parametrize(
    ("checked", "message"),
    [
        (assertion("equals"), "equals needs a `value`"),
        (assertion("contains"), "contains needs a text or a number as `value`"),
        (assertion("icontains", ""), "icontains needs a text or a number as `value`"),
        (assertion("contains", True), "contains needs a text or a number as `value`"),
        (assertion("not-contains", ["a"]), "not-contains needs a text or a number as `value`"),
        (assertion("contains-all", []), "contains-all needs a list of texts as `value`"),
        (assertion("contains-any", {}), "contains-any needs a list of texts as `value`"),
        (assertion("contains-any", [["a"]]), "contains-any takes texts and numbers in its list"),
        (assertion("starts-with", None), "starts-with needs a text or a number as `value`"),
        (
            assertion("equals", "file://expected.json"),
            "equals names a file that was not read: file://expected.json",
        ),
        (
            assertion("regex", "(unclosed"),
            "regex is no regular expression: missing ) at position 9",
        ),
        (assertion("is-json", 4), "is-json needs a JSON Schema as `value`, or none"),
        (
            assertion("bleu", [""]),
            "bleu needs a text, or a list of texts, as `value`",
        ),
        (assertion("latency"), "latency needs a `threshold`"),
        (assertion("cost"), "cost needs a `threshold`"),
        (assertion("tool-called", []), "tool-called needs the name of a tool as `value`"),
        (
            assertion("tool-called", {"arguments": {}}),
            "tool-called needs a tool's name, or a mapping with `tool` and `arguments`, as `value`",
        ),
        (
            assertion("tool-called", {"tool": "a", "arguments": [1]}),
            "tool-called needs a mapping as `arguments`",
        ),
        (
            assertion("python", ""),
            "python needs an expression, a function's body or `file://….py` as `value`",
        ),
        (assertion("llm-rubric", ""), "llm-rubric needs a rubric as `value`"),
        (assertion("moderation"), "moderation is an assertion that does not exist yet"),
        (
            assertion("equals", "{{ expected }}"),
            "equals has a value that cannot be rendered: 'expected' is not given; given: message",
        ),
        (
            assertion("equals", "a", transform="output.slice(0, 5)"),
            "the transform 'output.slice(0, 5)' is JavaScript, which does not run here",
        ),
    ],
    ids=lambda value: value.type if isinstance(value, Assertion) else "",
)
def test_an_assertion_that_cannot_be_evaluated_is_found_first(
    checked: Assertion, message: str
) -> None:
    assert messages(stack(), checked) == [message]


def test_a_schema_that_is_none_is_found_first() -> None:
    (message,) = messages(stack(), assertion("contains-json", {"type": "objct"}))

    assert message.startswith("contains-json has no valid JSON Schema as `value`: ")


def test_a_schema_reads_no_file() -> None:
    (message,) = messages(stack(), assertion("is-json", {"$ref": "file:///etc/passwd"}))

    assert "has no valid JSON Schema" in message


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
            assertion("llm-rubric", "a", judge="strict"),
            stack(),
            "llm-rubric needs the judge 'strict' under `judges:` of evals/a/suite.yaml",
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
    group = AssertionSet(assertions=(assertion("contains"), assertion("regex", "(")), location=HERE)
    judged = suite(case("a", group), case("b", assertion("equals"), transform="output.slice(1)"))

    issues = list(problems_of(judged, stack()))

    assert len(issues) == 4
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


def test_a_prompt_of_the_assertion_is_refused_where_the_judge_would_not_read_it() -> None:
    judges = {"default": Judge(name="default", model=MODEL)}
    asked = replace(
        assertion("llm-rubric", "polite"), config={"rubricPrompt": "Grade: {{ rubric }}"}
    )

    assert messages(stack(), asked, judges=judges) == [
        "llm-rubric has a `rubricPrompt`, which is not read: give a judge a `prompt` under `judges:`"
    ]
