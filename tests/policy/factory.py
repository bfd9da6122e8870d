"""Suites and runs in a few words, for tests of the policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from tetrad.canonical import digest_bytes
from tetrad.errors import Location
from tetrad.model import (
    Assertion,
    Budget,
    By,
    Case,
    GoldenSet,
    MaxFlips,
    Minimum,
    MustPass,
    NoWorseThanBase,
    Requirement,
    Suite,
    Waiver,
)
from tetrad.policy import SuiteDecision, decide
from tetrad.results.exchange import Usage
from tetrad.results.gate_report import RequirementResult
from tetrad.results.outcome import CaseOutcome, Sample, SuiteRun

HERE = Location("evals/triage/suite.yaml", 1, 1)
GOLDEN = digest_bytes(b"golden")
TODAY = date(2026, 11, 21)


def minimum(least: float, *, metric: str = "answer", by: By = "value") -> Minimum:
    return Minimum(metric=metric, min=least, by=by, location=HERE)


def no_worse(margin: float, *, by: By = "value") -> NoWorseThanBase:
    return NoWorseThanBase(metric="answer", margin=margin, by=by, location=HERE)


def must_pass(*tags: str, cases: tuple[str, ...] = ()) -> MustPass:
    return MustPass(tags=tags, cases=cases, location=HERE)


def max_flips(count: int) -> MaxFlips:
    return MaxFlips(count=count, location=HERE)


def budget(
    measure: str, statistic: str, *, most: float | None = None, increase: float | None = None
) -> Budget:
    return Budget(
        measure=measure,  # type: ignore[arg-type]
        statistic=statistic,  # type: ignore[arg-type]
        max=most,
        increase=increase,
        location=HERE,
    )


def case(
    name: str, *, tags: tuple[str, ...] = (), group: str | None = None, repeats: int = 1,
    metrics: tuple[str, ...] = ("answer",),
) -> Case:  # fmt: skip
    return Case(
        id=name,
        vars={"message": name},
        assertions=tuple(
            Assertion(type="equals", value="x", metric=metric, location=HERE) for metric in metrics
        ),
        tags=tags,
        group=group,
        repeats=repeats,
        location=HERE,
    )


def suite(cases: Sequence[Case], *gate: Requirement) -> Suite:
    return Suite(
        ref="evals/triage",
        location=HERE,
        stacks=(),
        golden=GoldenSet(path="evals/triage/golden.yaml", cases=tuple(cases), digest=GOLDEN),
        metrics=("answer", "sources"),
        gate=gate,
    )


def sample(
    score: float | None,
    *,
    passed: bool | None = None,
    metrics: Mapping[str, float] | None = None,
    cost_usd: float | None = None,
    latency_s: float | None = None,
    tokens: int = 0,
    written: int = 0,
) -> Sample:
    """An answer with a score, or none: an engine that failed."""
    if score is None:
        return Sample(output="", error="the engine did not answer", metrics={})
    return Sample(
        output=f"scored {score}",
        passed=score >= 0.5 if passed is None else passed,
        metrics={"answer": score} if metrics is None else metrics,
        usage=Usage(input_tokens=tokens, output_tokens=written),
        cost_usd=cost_usd,
        latency_s=latency_s,
    )


BAD, GOOD = sample(0.0), sample(1.0)


def outcome(*samples: Sample, name: str = "c0") -> CaseOutcome:
    return CaseOutcome(id=name, samples=samples)


def run(outcomes: Mapping[str, Sample | Sequence[Sample]]) -> SuiteRun:
    return SuiteRun(
        suite="evals/triage",
        stack="stacks/triage",
        identity=digest_bytes(b"identity"),
        golden=GOLDEN,
        cases=tuple(
            CaseOutcome(id=name, samples=(given,) if isinstance(given, Sample) else tuple(given))
            for name, given in outcomes.items()
        ),
    )


def scores(values: Iterable[float | None]) -> SuiteRun:
    """A run whose cases are named c0, c1, …; None is a missing result."""
    return run({f"c{i}": sample(value) for i, value in enumerate(values)})


def cases(count: int) -> tuple[Case, ...]:
    return tuple(case(f"c{i}") for i in range(count))


def judge(
    gate: Requirement | Sequence[Requirement],
    candidate: SuiteRun | Sequence[float | None],
    base: SuiteRun | Sequence[float | None] | None = None,
    *,
    golden: Sequence[Case] | None = None,
    base_expected: bool | None = None,
    waivers: Sequence[Waiver] = (),
    brought: Sequence[Waiver] = (),
) -> SuiteDecision:
    """Decide, with the golden set made to fit where none is given."""
    now = candidate if isinstance(candidate, SuiteRun) else scores(candidate)
    before = base if base is None or isinstance(base, SuiteRun) else scores(base)
    requirements = tuple(gate) if isinstance(gate, Sequence) else (gate,)
    chosen = golden if golden is not None else cases(len(now.cases))
    return decide(
        suite(chosen, *requirements),
        now,
        before,
        base_expected=base is not None if base_expected is None else base_expected,
        waivers=waivers,
        brought=brought,
        today=TODAY,
    )


def only(decision: SuiteDecision) -> RequirementResult:
    (result,) = decision.requirements
    return result


def waiver(name: str, *, until: date = date(2027, 1, 31), suite: str = "evals/triage") -> Waiver:
    return Waiver(
        case=f"{suite}#{name}",
        accept="broken",
        reason="The queue was renamed.",
        owner="@support-lead",
        until=until,
        location=Location("waivers.yaml", 3, 5),
    )
