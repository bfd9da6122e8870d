"""A report on a stack that answers in JSON: long answers alike at the start, and broken contracts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from report import samples

from tetrad.canonical import digest_bytes
from tetrad.errors import Location
from tetrad.model import Assertion, Case, GoldenSet, MaxFlips, NoWorseThanBase, Suite
from tetrad.policy import decide, suite_report
from tetrad.results.gate_report import Report, StackReport
from tetrad.results.outcome import AssertionResult, CaseOutcome, Sample, SuiteRun
from tetrad.results.trace import Guarded

HERE = Location("evals/attributes/suite.yaml", 1, 1)
LISTINGS = (
    ("en-phone", {"category": "electronics", "brand": "Acme", "colour": "black"}),
    ("de-schuhe", {"category": "shoes", "brand": "Läufer", "colour": "rot"}),
    ("fr-lampe", {"category": "home", "brand": "Lumière", "colour": "blanc"}),
    ("ja-tsukue", {"category": "home", "brand": "木工", "colour": "白"}),
)


def extraction() -> Report:
    """Two answers changed far behind their beginning, and one is no longer JSON."""
    base = [_answer(wanted, wanted) for _, wanted in LISTINGS]
    now = list(base)
    now[0] = _answer(LISTINGS[0][1], LISTINGS[0][1] | {"colour": "white"})
    now[1] = _answer(LISTINGS[1][1], LISTINGS[1][1] | {"category": "other", "brand": None})
    now[2] = _answer(LISTINGS[2][1], "Sorry, I cannot tell.")
    return _report(_stack(now, base))


def unjudged() -> Report:
    """Requirements that only compare, and no base: most cases fail, and nothing is judged."""
    now = [_answer(wanted, wanted | {"brand": None}) for _, wanted in LISTINGS[:3]]
    now.append(_answer(LISTINGS[3][1], LISTINGS[3][1]))
    return replace(_report(_stack(now, None)), base=None)


def _answer(wanted: dict[str, str], given: object) -> Sample:
    passed = wanted == given
    output = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    assertion = AssertionResult(
        type="equals",
        metric="answer",
        passed=passed,
        score=float(passed),
        reason="" if passed else f"does not equal {json.dumps(wanted, ensure_ascii=False)}",
    )
    return Sample(
        output=output,
        passed=passed,
        metrics={"answer": float(passed), "sources": 1.0},
        assertions=(assertion,),
        breaches=_breaches(given),
    )


def _breaches(given: object) -> tuple[Guarded, ...]:
    if isinstance(given, str):
        return (Guarded(rule="output.json", detail="the answer is not JSON: Expecting value"),)
    if isinstance(given, dict) and given["brand"] is None:
        detail = '$.brand: null is not of type "string"'
        return (Guarded(rule="output.schema", detail=detail),)
    return ()


def _stack(now: Sequence[Sample], base: Sequence[Sample] | None) -> StackReport:
    suite = Suite(
        ref="evals/attributes",
        location=HERE,
        stacks=(),
        golden=GoldenSet(
            path="evals/attributes/golden.yaml",
            cases=tuple(
                Case(
                    id=name,
                    vars={"listing": name},
                    assertions=(Assertion(type="equals", value=wanted, location=HERE),),
                    location=Location("evals/attributes/golden.yaml", 1 + 4 * i, 3),
                )
                for i, (name, wanted) in enumerate(LISTINGS)
            ),
            digest=digest_bytes(b"attributes"),
        ),
        metrics=("answer", "sources"),
        gate=(
            NoWorseThanBase(metric="answer", margin=0.05, location=HERE),
            MaxFlips(count=0, location=HERE),
        ),
    )
    candidate, before = _run(suite, now), _run(suite, base) if base else None
    decided = decide(
        suite, candidate, before, base_expected=bool(base), waivers=(), today=samples.TODAY
    )
    return StackReport(
        stack="stacks/attributes",
        identity=digest_bytes(b"now"),
        base_identity=digest_bytes(b"before") if base else None,
        changed=("prompt",) if base else (),
        suites=(suite_report(suite, candidate, before, decided),),
        model="listing-tagger-2",
        engine="openai http://127.0.0.1:8000/v1",
        base_model="listing-tagger-1" if base else "",
        base_engine="openai http://127.0.0.1:8000/v1" if base else "",
    )


def _run(suite: Suite, answers: Sequence[Sample]) -> SuiteRun:
    return SuiteRun(
        suite=suite.ref,
        stack="stacks/attributes",
        identity=digest_bytes(b"identity"),
        golden=suite.golden.digest,
        cases=tuple(
            CaseOutcome(id=case.id, line=case.location.line, samples=(sample,))
            for case, sample in zip(suite.golden.cases, answers, strict=True)
        ),
    )


def _report(stack: StackReport) -> Report:
    return replace(samples.unmoved(), stacks=(stack,), decision=stack.suites[0].decision)
