"""The digest of a suite: of all that decides what it says about an answer, and of nothing else.

It covers the cases, the metrics, the requirements, the judges and whether tools are live. Left out
are places, descriptions, owners, and which stacks the suite judges: each stack is judged alone.
Where code of the golden set stands in files, the golden set's digest covers it with its imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tetrad.assertions.judge_question import GENERATION, MESSAGES
from tetrad.assertions.table import JUDGED, QUESTIONS
from tetrad.canonical import Digest, Json, digest_of
from tetrad.golden.digest import golden_digest
from tetrad.identity.behaviour import component_digest, generation_behaviour
from tetrad.model import (
    DEFAULT_JUDGE,
    EMBEDDING_JUDGE,
    Assertion,
    AssertionSet,
    Budget,
    Case,
    Judge,
    MaxFlips,
    Minimum,
    MustPass,
    NoWorseThanBase,
    Requirement,
    Suite,
)

GRADING = 2  # raised whenever our assertions would score the same answer otherwise


def suite_document(suite: Suite) -> Mapping[str, Json]:
    """The JSON document whose digest is the suite's, defaults filled in."""
    asks = any(name != EMBEDDING_JUDGE for name in suite.judges)
    return {
        "kind": "suite",
        "version": 1,
        "grading": GRADING,
        "golden": str(_golden(suite)),
        "metrics": list(suite.metrics),
        "gate": [_requirement(requirement) for requirement in suite.gate],
        "tools": suite.tools,
        "judges": {name: _judge(judge) for name, judge in suite.judges.items()},
        "questions": {n: str(digest_of(q)) for n, q in QUESTIONS.items()} if asks else {},
    }


def suite_digest(suite: Suite) -> Digest:
    """SHA-256 over the canonical bytes of the suite's document."""
    return digest_of(suite_document(suite))


def built_in_prompt() -> Mapping[str, Json]:
    """What a judge without a prompt of its own is told: parts of the question, and its limits."""
    return {
        "kind": "judge-prompt",
        "messages": [{"role": role, "part": part} for role, part in MESSAGES],
        "generation": generation_behaviour(GENERATION),
    }


def _judge(judge: Judge) -> Mapping[str, Json]:
    model = str(component_digest(judge.model))
    if judge.name == EMBEDDING_JUDGE:
        return {"model": model, "prompt": None}
    prompt = component_digest(judge.prompt) if judge.prompt else digest_of(built_in_prompt())
    return {"model": model, "prompt": str(prompt)}


def _requirement(requirement: Requirement) -> Mapping[str, Json]:
    match requirement:
        case Minimum(metric=metric, by=by):
            return {"min": requirement.min, "metric": metric, "by": by}
        case NoWorseThanBase(metric=metric, by=by):
            return {"no_worse_than_base": requirement.margin, "metric": metric, "by": by}
        case MustPass():
            named: Json = {"tags": sorted(requirement.tags), "cases": sorted(requirement.cases)}
            return {"must_pass": named}
        case MaxFlips():
            return {"max_flips": requirement.count}
        case Budget():
            limits: Json = {
                "statistic": requirement.statistic,
                "max": requirement.max,
                "increase": requirement.increase,
            }
            return {requirement.measure: limits}


def _golden(suite: Suite) -> Digest:
    """The golden set's digest, the same whether or not a case writes the usual metric and judge out."""
    cases = [_usual(case, suite.metrics[0]) for case in suite.golden.cases]
    return suite.golden.digest if cases == list(suite.golden.cases) else golden_digest(cases)


def _usual(case: Case, metric: str) -> Case:
    assertions = tuple(_without_names(item, metric) for item in case.assertions)
    return case if assertions == case.assertions else replace(case, assertions=assertions)


def _without_names(item: Assertion | AssertionSet, metric: str) -> Assertion | AssertionSet:
    if isinstance(item, Assertion):
        plain: Assertion | AssertionSet = _without_judge(item)
    else:
        plain = replace(item, assertions=tuple(map(_without_judge, item.assertions)))
    return replace(plain, metric=None) if item.metric == metric else plain


def _without_judge(item: Assertion) -> Assertion:
    is_default = item.judge == DEFAULT_JUDGE and item.type in JUDGED
    return replace(item, judge=None) if is_default else item
