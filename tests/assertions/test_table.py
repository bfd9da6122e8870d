"""What every type of assertion must have: a row in the reference, a schema that offers it, a passing
and a failing case, and a case of a value that cannot fail where it knows of one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, NamedTuple

import pytest
from assertions.test_assertions import Services, judged
from evals.cases import assertion, called, passage
from goldens import check_golden

import tetrad.assertions.types
from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import (
    AssertionType,
    PureAssertion,
    ServiceAssertion,
    nothing_wrong,
)
from tetrad.assertions.checks import why_it_cannot_fail, why_it_cannot_pass
from tetrad.assertions.table import TYPES
from tetrad.promptfoo.unsupported import IN_ITS_PLACE, NOT_YET
from tetrad.schemas import check as schemas
from tetrad.schemas.check import schema_of

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "assertions.md"
SCHEMA = Path(schemas.__file__).parent / "golden.v1.json"


class Tried(NamedTuple):
    """A value, and two answers: one that passes and one that fails."""

    value: Any
    passing: str | Answered
    failing: str | Answered
    threshold: float | None = None
    said: tuple[Any, Any] = (None, None)  # by a judge or code, of either answer
    near: tuple[float, float] = (1.0, 0.0)  # by an embedder


def took(seconds: float, usd: float) -> Answered:
    return Answered(text="", vars={}, latency_s=seconds, cost_usd=usd)


def found(*documents: str) -> Answered:
    return Answered(text="", vars={}, passages=tuple(map(passage, documents)))


def calling(*tools: str) -> Answered:
    return Answered(text="", vars={}, called=tuple(map(called, tools)))


CASES: dict[str, Tried] = {
    "equals": Tried("yes", "yes", "no"),
    "contains": Tried("es", "yes", "no"),
    "icontains": Tried("ES", "yes", "no"),
    "contains-all": Tried(["y", "s"], "yes", "my"),
    "contains-any": Tried(["y", "n"], "my", "so"),
    "icontains-all": Tried(["Y", "S"], "yes", "my"),
    "icontains-any": Tried(["Y", "N"], "my", "so"),
    "starts-with": Tried("ye", "yes", "eyes"),
    "regex": Tried("^y.s$", "yes", "yess"),
    "is-json": Tried({"type": "object"}, "{}", "[]"),
    "contains-json": Tried({"required": ["a"]}, 'so: {"a": 1}', "so: {}"),
    "similar": Tried("yes", "yes", "no"),
    "rouge-n": Tried("yes, we can", "yes we can", "no"),
    "bleu": Tried("yes, we can do it", "yes, we can do it", "no"),
    "levenshtein": Tried("yes", "yea", "never ever"),
    "latency": Tried(None, took(0.1, 0), took(0.2, 0), threshold=150),
    "cost": Tried(None, took(0, 0.1), took(0, 0.2), threshold=0.15),
    "python": Tried("output == 'yes'", "yes", "no", said=(True, False)),
    "retrieved": Tried(["a.md"], found("a.md", "b.md"), found("b.md")),
    "tool-called": Tried("refund", calling("refund"), calling("search")),
    "llm-rubric": Tried("is polite", "yes", "no", said=({"pass": True}, {"pass": False})),
    "context-faithfulness": Tried(
        None,
        "yes",
        "no",
        said=(
            {"claims": [{"claim": "a", "supported": True}]},
            {"claims": [{"claim": "a", "supported": False}]},
        ),
    ),
}

# Values and thresholds that every answer meets, each with what is said of them.
VACUOUS: dict[str, tuple[Any, float | None, str]] = {
    "regex": (".*", None, "the pattern '.*' fits every text"),
    "python": ("True", None, "its expression is always true"),
    "similar": ("a", 0, "its threshold is 0"),
    "rouge-n": ("a", 0, "its threshold is 0"),
    "bleu": ("a", 0, "its threshold is 0"),
    "llm-rubric": ("is polite", 0, "its threshold is 0"),
    "context-faithfulness": (None, 0, "its threshold is 0"),
}
HOPELESS = {name: row[0] for name, row in VACUOUS.items() if row[1] == 0}


def test_no_type_is_listed_as_unsupported_too() -> None:
    assert TYPES.keys().isdisjoint({*NOT_YET, *IN_ITS_PLACE})


def test_every_type_of_a_file_is_in_the_table() -> None:
    package = tetrad.assertions.types
    modules = [
        import_module(f"{package.__name__}.{m.name}") for m in iter_modules(package.__path__)
    ]
    written = {
        name: value.name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, AssertionType)
    }

    assert set(TYPES) == set(written.values())


def test_every_type_has_a_row_of_cases() -> None:
    assert set(TYPES) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_type_passes_and_fails(name: str) -> None:
    value, passing, failing, threshold, said, near = CASES[name]
    for written, holds in ((name, True), (f"not-{name}", False)):
        checked = assertion(written, value, threshold=threshold)

        assert judged(checked, passing, Services(said[0], (near[0],))).passed is holds
        assert judged(checked, failing, Services(said[1], (near[1],))).passed is not holds


@pytest.mark.parametrize("name", CASES)
def test_a_value_that_passes_is_no_problem_and_can_fail(name: str) -> None:
    value, *_ = CASES[name]
    checked = assertion(name, value, threshold=CASES[name].threshold)

    assert TYPES[name].problem(value, checked) is None
    assert why_it_cannot_fail(checked) is None
    assert why_it_cannot_pass(checked) is None


def test_what_cannot_fail_or_pass_is_tried_for_every_type_that_says_so() -> None:
    assert set(VACUOUS) == {n for n, t in TYPES.items() if t.cannot_fail is not nothing_wrong}
    assert set(HOPELESS) == {n for n, t in TYPES.items() if t.cannot_pass is not nothing_wrong}


@pytest.mark.parametrize("name", VACUOUS)
def test_an_assertion_that_cannot_fail_says_why_and_its_negation_can(name: str) -> None:
    value, threshold, why = VACUOUS[name]

    assert why_it_cannot_fail(assertion(name, value, threshold=threshold)) == why
    assert why_it_cannot_fail(assertion(f"not-{name}", value, threshold=threshold)) is None


@pytest.mark.parametrize("name", HOPELESS)
def test_an_assertion_that_cannot_pass_says_why_and_its_negation_can(name: str) -> None:
    why = "its threshold is over 1, and no score is"

    assert why_it_cannot_pass(assertion(name, HOPELESS[name], threshold=1.5)) == why
    assert why_it_cannot_pass(assertion(f"not-{name}", HOPELESS[name], threshold=1.5)) is None


def test_the_schema_offers_every_type() -> None:
    schema = json.loads(json.dumps(schema_of("golden")))
    schema["$defs"]["assertion"]["properties"]["type"]["examples"] = list(TYPES)

    check_golden(SCHEMA, json.dumps(schema, indent=2, ensure_ascii=False) + "\n")


def test_the_reference_page_has_a_row_for_every_type() -> None:
    check_golden(REFERENCE, "\n".join(page()) + "\n")


def page() -> Iterator[str]:
    yield "# assertions"
    yield ""
    yield "What `type:` of an assertion may be; [each may be turned by `not-`, weighted and transformed](../bring-your-own.md#assertions)."
    yield ""
    yield "Generated from the table of types."
    yield ""
    yield "| type | `value` | passes if | `threshold` | needs |"
    yield "|---|---|---|---|---|"
    for name, type_ in TYPES.items():
        cells = (f"`{name}`", type_.value, type_.passes_if, type_.threshold, need_of(type_))
        yield f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def need_of(type_: PureAssertion | ServiceAssertion) -> str:
    if isinstance(type_, ServiceAssertion):
        asked = {"judge": "a judge", "embedder": "an embedding model", "code": "your code"}
        return asked[type_.service]
    return f"{type_.library}, in the extra `metrics`" if type_.library else ""
