"""Judging by the base's yardstick: what a change accepted of it, and what it sees otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tetrad.model import (
    Acceptance,
    Assertion,
    AssertionSet,
    Case,
    MaxFlips,
    Minimum,
    MustPass,
    NoWorseThanBase,
    Requirement,
    Suite,
)
from tetrad.policy.decide import SuiteDecision
from tetrad.policy.offers import offered, offered_whole
from tetrad.policy.pairing import scored_metrics
from tetrad.policy.statistics import TOLERANCE
from tetrad.results.gate_report import AcceptanceUse, BaseDecision, CaseReport
from tetrad.results.outcome import AssertionResult, CaseOutcome, Sample, SuiteRun

NAMES = {
    Minimum: "min",
    NoWorseThanBase: "no_worse_than_base",
    MustPass: "must_pass",
    MaxFlips: "max_flips",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Narrowed:
    """A suite of the base without what the change accepted, and the lines that did so."""

    suite: Suite
    used: tuple[Acceptance, ...]

    @property
    def judges(self) -> bool:
        """Whether anything is left to judge by."""
        return bool(self.suite.golden.cases and self.suite.gate)


def narrowed(suite: Suite, lines: Sequence[Acceptance]) -> Narrowed:
    """What is accepted is not looked at: a case in no mean, an assertion in no case."""
    used = tuple(line for line in lines if _names_something(line, suite))
    if not used:
        return Narrowed(suite=suite, used=())
    metrics = frozenset(line.metric for line in used if line.metric is not None)
    left = [case for case in suite.golden.cases if not any(_takes_out(line, case) for line in used)]
    bare = (_without(case, metrics, suite.metrics[0]) for case in left)
    cases = tuple(case for case in bare if case is not None)
    gate = tuple(
        kept for r in suite.gate if (kept := _kept(r, used, metrics, suite, cases)) is not None
    )
    golden = suite.golden.with_cases(cases)
    return Narrowed(suite=replace(suite, golden=golden, gate=gate), used=used)


def _names_something(line: Acceptance, suite: Suite) -> bool:
    if line.requirement is not None:
        return any(requirement_name(r) == line.requirement for r in suite.gate)
    if line.metric is not None:
        return line.metric in suite.metrics
    return any(_takes_out(line, case) for case in suite.golden.cases)


def _takes_out(line: Acceptance, case: Case) -> bool:
    return line.case == case.id or (line.tag is not None and line.tag in case.tags)


def _without(case: Case, metrics: Collection[str], default: str) -> Case | None:
    """The case without the assertions of some metrics; None where it asserts nothing then."""
    if not metrics:
        return case
    items = tuple(_kept_assertions(case.assertions, metrics, default))
    return replace(case, assertions=items) if items or not case.assertions else None


def _kept_assertions(
    items: Sequence[Assertion | AssertionSet], metrics: Collection[str], default: str
) -> Iterator[Assertion | AssertionSet]:
    for item in items:
        if (item.metric or default) in metrics:
            continue
        if isinstance(item, Assertion):
            yield item
            continue
        inner = tuple(a for a in item.assertions if a.metric is None or a.metric not in metrics)
        if inner:
            yield replace(item, assertions=inner)


def _kept(
    requirement: Requirement,
    lines: Sequence[Acceptance],
    metrics: Collection[str],
    suite: Suite,
    cases: Sequence[Case],
) -> Requirement | None:
    if any(line.requirement == requirement_name(requirement) for line in lines):
        return None
    if isinstance(requirement, Minimum | NoWorseThanBase):
        return None if requirement.metric in metrics else requirement
    if isinstance(requirement, MustPass):
        return _kept_must_pass(requirement, suite, cases)
    return requirement


def _kept_must_pass(requirement: MustPass, suite: Suite, cases: Sequence[Case]) -> MustPass | None:
    """The requirement without the cases and tags that are taken out whole."""
    gone = {case.id for case in suite.golden.cases} - {case.id for case in cases}
    carried = {tag for case in suite.golden.cases for tag in case.tags}
    left = {tag for case in cases for tag in case.tags}
    named = tuple(id_ for id_ in requirement.cases if id_ not in gone)
    tags = tuple(tag for tag in requirement.tags if tag in left or tag not in carried)
    return replace(requirement, cases=named, tags=tags) if named or tags else None


def requirement_name(requirement: Requirement) -> str:
    """The key by which a suite's file says what a requirement asks."""
    return getattr(requirement, "measure", None) or NAMES[type(requirement)]


def failing(case: Case, suite: Suite, why: str) -> CaseOutcome:
    """The outcome of a case that cannot be put to the candidate: it fails, and cost nothing."""
    reason = f"cannot be put to the candidate: {why}"
    metrics = dict.fromkeys(scored_metrics(case.assertions, suite.metrics[0]), 0.0)
    asserted = AssertionResult(
        type="yardstick", metric=suite.metrics[0], passed=False, score=0.0, reason=reason
    )
    sample = Sample(output="", metrics=metrics, assertions=(asserted,), cost_usd=0.0, latency_s=0.0)
    return _outcome(case, sample)


def unasked(case: Case, why: str) -> CaseOutcome:
    """The outcome of a case that is not put to the candidate as the base asks it: there is none."""
    error = f"cannot be asked as on the base: {why}"
    return _outcome(case, Sample(output="", error=error, metrics={}))


def _outcome(case: Case, sample: Sample) -> CaseOutcome:
    return CaseOutcome(
        id=case.id,
        group=case.group,
        tags=case.tags,
        line=case.location.line,
        samples=(sample,) * case.repeats,
    )


def scores_alike(one: CaseOutcome, other: CaseOutcome) -> bool:
    """Whether two yardsticks say the same of a candidate's case."""
    if one.missing or other.missing:
        return one.missing == other.missing
    return (
        one.passed == other.passed
        and one.metrics.keys() == other.metrics.keys()
        and all(abs(one.metrics[m] - other.metrics[m]) <= TOLERANCE for m in one.metrics)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What the base's yardstick is held against.

    `own` are the candidate's outcomes by its own yardstick, by the base's ids; `regraded` the cases
    whose judge or code the change moves, `edited` those that it asks otherwise; `is_refused`: the candidate's own yardstick refuses it too.
    """

    heads: tuple[str, ...]
    own: Mapping[str, CaseOutcome]
    regraded: Collection[str]
    edited: Collection[str] = ()
    binding: bool
    is_refused: bool


def base_verdict(
    by: Narrowed, decided: SuiteDecision, candidate: SuiteRun, base: SuiteRun | None, beside: Beside
) -> BaseDecision:
    """What the base's yardstick says, with the cases that it sees otherwise."""
    before = {outcome.id: outcome for outcome in base.cases} if base else {}
    own = beside.own
    seen_otherwise = tuple(
        CaseReport(
            id=outcome.id,
            flip=decided.flips[outcome.id],
            waived=decided.waived.get(outcome.id),
            candidate=_untraced(outcome),
            base=_untraced(before[outcome.id]) if outcome.id in before else None,
        )
        for outcome in candidate.cases
        if not _is_told(outcome, own)
    )
    offers = beside.binding and not beside.is_refused
    return BaseDecision(
        suite=by.suite.ref,
        heads=beside.heads,
        decision=decided.decision,
        binding=beside.binding,
        requirements=decided.requirements,
        cases=seen_otherwise,
        alike=sum(o.id in own and scores_alike(o, own[o.id]) for o in candidate.cases),
        accepted=uses(by.used),
        offers=offered(
            by.suite, decided, candidate, own, regraded=beside.regraded, edited=beside.edited
        )
        if offers
        else (),
    )


def unjudged(by: Narrowed, problem: str, *, heads: tuple[str, ...], binding: bool) -> BaseDecision:
    """What is said where all of the base's yardstick is accepted away, or where it cannot judge."""
    return BaseDecision(
        suite=by.suite.ref,
        heads=heads,
        decision="INCONCLUSIVE" if problem else "NOT_APPLICABLE",
        binding=binding,
        accepted=uses(by.used),
        offers=offered_whole(by.suite, map(requirement_name, by.suite.gate)) if problem else (),
        note=problem,
    )


def _is_told(outcome: CaseOutcome, own: Mapping[str, CaseOutcome]) -> bool:
    """Whether the candidate's own yardstick says all that there is to say of a case."""
    if outcome.id in own:
        return scores_alike(outcome, own[outcome.id])
    return outcome.passed


def uses(lines: Sequence[Acceptance]) -> tuple[AcceptanceUse, ...]:
    return tuple(
        AcceptanceUse(suite=line.suite, what=line.what, reason=line.reason, owner=line.owner)
        for line in lines
    )


def _untraced(outcome: CaseOutcome) -> CaseOutcome:
    return replace(outcome, samples=tuple(replace(s, trace=None) for s in outcome.samples))
