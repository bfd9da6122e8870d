"""Taking a report's decisions again, from the commit's suites and the recorded scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tetrad.attestation.disagreement import Disagreement
from tetrad.evals.judged_suites import judgeable
from tetrad.identity import identity_of
from tetrad.model import Repository, Stack, Suite
from tetrad.plan import Partners, Waived, judging_before, posed
from tetrad.policy import SuiteDecision, decide, overall
from tetrad.results.gate_report import (
    BaseDecision,
    Decision,
    RequirementResult,
    StackReport,
    SuiteReport,
)
from tetrad.results.outcome import CaseOutcome, SuiteRun

_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Trees:
    """The commit of a report and its base, as their files say."""

    head: Repository
    base: Repository | None
    partners: Partners | None
    waived: Waived
    today: date

    def base_stack(self, stack: Stack) -> Stack | None:
        if self.base is None or self.partners is None:
            return None
        return self.base.stacks.get(self.partners.was(stack.ref))


def retake(report: SuiteReport, suite: Suite, stack: Stack, trees: Trees) -> SuiteDecision:
    """The decision on a suite by its own yardstick; Disagreement where the report has another."""
    old = trees.base_stack(stack)
    decided = decide(
        suite,
        _run([case.candidate for case in report.cases], suite, stack),
        _base_run(report, suite, stack, old, trees),
        base_expected=old is not None,
        waivers=trees.waived.waivers,
        brought=trees.waived.brought,
        today=trees.today,
    )
    where = f"{stack.ref}: {suite.ref}"
    if decided.decision != report.decision:
        raise Disagreement(f"{where}: {report.decision}, decided {decided.decision}")
    for said, found in zip(report.requirements, decided.requirements, strict=False):
        if not _is_alike(said, found):
            raise Disagreement(f"{where}: {said.requirement} is not what the scores give")
    if len(report.requirements) != len(decided.requirements):
        raise Disagreement(f"{where}: not every requirement is in the report")
    if any(decided.flips.get(case.id) != case.flip for case in report.cases):
        raise Disagreement(f"{where}: a flip is not what the outcomes give")
    if report.waived != decided.waivers:
        raise Disagreement(f"{where}: the waivers are not those of the commit")
    return decided


def check_by_base(report: StackReport, stack: Stack, trees: Trees) -> None:
    """Whether every suite of the base that has to judge the change did so; its decision follows from
    its requirements.
    """
    old = trees.base_stack(stack)
    if trees.base is None or trees.partners is None or old is None:
        expected: frozenset[str] = frozenset()
    else:
        before = judging_before(trees.head, trees.base, stack, old, trees.partners)
        expected = frozenset(suite.ref for suite in before)
    is_binding = old is not None and identity_of(old) != identity_of(stack)
    said = {decision.suite: decision for decision in report.by_base}
    missing = sorted(expected - said.keys()) if is_binding else []
    if missing:
        raise Disagreement(f"{stack.ref}: not judged by the base's {', '.join(missing)}")
    for decision in said.values():
        _check_base_decision(decision, stack, is_binding=is_binding)


def check_overall(decision: Decision, stacks: Sequence[StackReport]) -> None:
    """Whether a report's decision follows from those on its stacks."""
    found = overall([d for stack in stacks for d in stack.decisions])
    if decision != found:
        raise Disagreement(f"the report says {decision}, and its stacks {found}")


def _check_base_decision(said: BaseDecision, stack: Stack, *, is_binding: bool) -> None:
    where = f"{stack.ref}: the base's {said.suite}"
    if said.binding != is_binding:
        raise Disagreement(f"{where}: is {'' if said.binding else 'not '}said to be binding")
    worst = overall([r.decision for r in said.requirements])
    if said.requirements and said.decision == "PASSED" and worst != "PASSED":
        raise Disagreement(f"{where}: PASSED, and a requirement is {worst}")


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


def _is_alike(one: RequirementResult, other: RequirementResult) -> bool:
    """Whether two results say the same number of the same requirement; reasons are words."""
    same = (one.requirement, one.metric, one.statistic, one.decision, one.n, one.cases) == (
        other.requirement, other.metric, other.statistic, other.decision, other.n, other.cases,
    )  # fmt: skip
    numbers = [
        (one.value, other.value),
        (one.threshold, other.threshold),
        *zip(one.interval or (None, None), other.interval or (None, None), strict=True),
    ]
    return same and all(_is_close(a, b) for a, b in numbers)


def _is_close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _TOLERANCE * max(1.0, abs(one))
