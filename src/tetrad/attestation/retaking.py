"""Taking a report's decisions again, from the commit's suites and the recorded scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isclose

from tetrad.attestation.disagreement import Disagreement
from tetrad.evals.judged_suites import judgeable
from tetrad.evals.runner import TRACES
from tetrad.identity import identity_of
from tetrad.model import Repository, Stack, Suite
from tetrad.plan import Partners, Waived, posed
from tetrad.policy import SuiteDecision, decide, overall
from tetrad.results.gate_report import (
    Decision,
    Report,
    RequirementResult,
    StackReport,
    SuiteReport,
)
from tetrad.results.outcome import CaseOutcome, SuiteRun

_TOLERANCE = 1e-9
_LEAST = 1e-12  # an answer may cost less than a millionth of a dollar


@dataclass(frozen=True, kw_only=True, slots=True)
class Trees:
    """The commit of a report and its base, as their files say.

    A gate of some stacks reads no others, so that suites and cases can pair otherwise than in the
    whole trees; `is_whole` says that the report is about every stack.
    """

    head: Repository
    base: Repository | None
    partners: Partners | None
    waived: Waived
    today: date
    is_whole: bool

    def base_stack(self, stack: Stack) -> Stack | None:
        if self.base is None or self.partners is None:
            return None
        return self.base.stacks.get(self.partners.was(stack.ref))

    def on_base(self, suite: Suite, stack: Stack, old: Stack) -> Suite:
        """A suite of the head with the cases that can be put to the base, as they are put."""
        if self.partners is None or identity_of(old) == identity_of(stack):
            return suite
        return posed(suite, old, stack, self.partners.then(suite.ref)).suite


def retake(report: SuiteReport, suite: Suite, stack: Stack, trees: Trees) -> SuiteDecision:
    """The decision on a suite by its own yardstick; Disagreement where the report has another."""
    old = trees.base_stack(stack)
    where = f"{stack.ref}: {suite.ref}"
    if old is not None and identity_of(old) == identity_of(stack):
        _refuse_another_base(report, where)
    decided = decide(
        suite,
        _run([case.candidate for case in report.cases], suite, stack),
        _base_run(report, suite, stack, old, trees),
        base_expected=old is not None,
        waivers=trees.waived.waivers,
        brought=trees.waived.brought,
        today=trees.today,
    )
    if decided.decision != report.decision:
        raise Disagreement(f"{where}: {report.decision}, expected {decided.decision}")
    for said, found in zip(report.requirements, decided.requirements, strict=False):
        if not alike(said, found):
            raise Disagreement(f"{where}: {said.requirement} does not follow from the scores")
    if len(report.requirements) != len(decided.requirements):
        raise Disagreement(f"{where}: not every requirement is in the report")
    if report.waived != decided.waivers:
        raise Disagreement(f"{where}: the waivers are not those of the commit")
    return decided


def check_overall(decision: Decision, stacks: Sequence[StackReport]) -> None:
    """Whether a report's decision follows from those on its stacks, each of which is there once."""
    for names in _names(stacks):
        _refuse_twice(names)
    found = overall([d for stack in stacks for d in stack.decisions])
    if decision != found:
        raise Disagreement(f"the report says {decision}, but its stacks give {found}")


def _refuse_another_base(report: SuiteReport, where: str) -> None:
    """One run serves both sides of one identity."""
    for case in report.cases:
        if case.base is not None and case.base != case.candidate:
            raise Disagreement(
                f"{where}#{case.id}: the base has the same identity but other answers"
            )


def _names(stacks: Sequence[StackReport]) -> Iterator[Sequence[str]]:
    yield [stack.stack for stack in stacks]
    for stack in stacks:
        yield [suite.suite for suite in stack.suites]
        yield [decision.suite for decision in stack.by_base]


def _refuse_twice(names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Disagreement(f"{twice} is in the report twice")


def keeps_every_trace(report: Report, trees: Trees) -> bool:
    """Whether the report of so few samples has a trace of each: a larger one drops some.

    The base's suites are executed, too, on both sides.
    """
    suites = [suite for stack in report.stacks for suite in stack.suites]
    samples = sum(
        len(case.candidate.samples) + len(case.base.samples if case.base else ())
        for suite in suites
        for case in suite.cases
    )
    known = trees.base.suites if trees.base is not None else {}
    by_base = [said.suite for stack in report.stacks for said in stack.by_base]
    samples += 2 * sum(
        case.repeats for ref in by_base if ref in known for case in known[ref].golden.cases
    )
    return samples <= TRACES


def _base_run(
    report: SuiteReport, suite: Suite, stack: Stack, old: Stack | None, trees: Trees
) -> SuiteRun | None:
    """The base's outcomes of a suite, with the cases that could not be put to it."""
    if old is None or trees.partners is None:
        return None
    outcomes = tuple(case.base for case in report.cases if case.base is not None)
    if not outcomes:
        return None
    unfit: Mapping[str, str] = {}
    if identity_of(old) != identity_of(stack):
        put = posed(suite, old, stack, trees.partners.then(suite.ref))
        unfit = {**put.unfit, **judgeable(put.suite, old)[1]}
    return _run(outcomes, suite, old, unfit=frozenset(unfit))


def _run(
    outcomes: Sequence[CaseOutcome],
    suite: Suite,
    stack: Stack,
    *,
    unfit: frozenset[str] = frozenset(),
) -> SuiteRun:
    return SuiteRun(
        suite=suite.ref,
        stack=stack.ref,
        identity=identity_of(stack),
        golden=suite.golden.digest,
        cases=tuple(outcomes),
        unfit=unfit,
    )


def alike(one: RequirementResult, other: RequirementResult) -> bool:
    """Whether two results say the same number of the same requirement; reasons are words."""
    same = (one.requirement, one.metric, one.statistic, one.decision, one.n, one.cases) == (
        other.requirement, other.metric, other.statistic, other.decision, other.n, other.cases,
    )  # fmt: skip
    given = [(one.value, other.value), (one.threshold, other.threshold)]
    estimated = [
        (one.mde, other.mde),
        *zip(one.interval or (None, None), other.interval or (None, None), strict=True),
    ]
    return (
        same
        and all(_is_close(a, b, least=_LEAST) for a, b in given)
        and all(_is_close(a, b, least=_TOLERANCE) for a, b in estimated)
    )


def _is_close(one: float | None, other: float | None, *, least: float) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=_TOLERANCE, abs_tol=least)
