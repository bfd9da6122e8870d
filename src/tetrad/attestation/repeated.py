"""What a report repeats of the commit and its base for those who read it; nothing is decided by it."""

from __future__ import annotations

from tetrad.attestation.disagreement import Disagreement
from tetrad.attestation.regrading import as_json
from tetrad.attestation.retaking import Trees
from tetrad.model import Stack, Suite
from tetrad.plan import coverage_changes, suites_of
from tetrad.plan.changes import changed_parts
from tetrad.policy import SuiteDecision
from tetrad.results.gate_report import Report, StackReport, SuiteReport


def check_coverage(report: Report, trees: Trees) -> None:
    """Which stacks and suites come and go."""
    if not trees.is_whole:
        return
    if report.coverage != coverage_changes(trees.head, trees.base, trees.partners):
        raise Disagreement("the report's coverage differs from that of the commit and its base")


def check_changed(report: StackReport, stack: Stack, trees: Trees) -> None:
    """Which parts of the identity moved, and who answered on the base."""
    old = trees.base_stack(stack)
    parts = changed_parts(stack, old) if old is not None else ()
    # Whether a suite moved is not looked at: the same suites are judged either way.
    if report.changed != parts and (parts or report.changed != ("suite",) or old is None):
        said = ", ".join(report.changed) or "nothing"
        raise Disagreement(
            f"{stack.ref}: {said} reported as changed, found {', '.join(parts) or 'nothing'}"
        )
    answered = () if old is None else (old if parts else stack, old)  # one run for one identity
    models = {one.model.name for one in answered}
    if not any(case.base for suite in report.suites for case in suite.cases):
        models.add("")
    if report.base_model not in models:
        said = report.base_model or "missing"
        raise Disagreement(f"{stack.ref}: the report's model of the base is {said}")


def check_suites(report: StackReport, stack: Stack, trees: Trees) -> None:
    """Some of the suites that judge the stack, in their order; a gate of some skips the others."""
    said = [suite.suite for suite in report.suites]
    if said != [suite.ref for suite in suites_of(trees.head, stack) if suite.ref in set(said)]:
        raise Disagreement(f"{stack.ref}: the suites are not those that judge it, in their order")


def check_cases(report: SuiteReport, suite: Suite, decided: SuiteDecision, where: str) -> None:
    """Where the cases stand, what they ask, and which were accepted as broken."""
    if report.file != suite.golden.path:
        raise Disagreement(f"{where}: the golden set is {suite.golden.path}, not {report.file}")
    for case, said in zip(suite.golden.cases, report.cases, strict=True):
        place = f"{where}#{case.id}"
        if as_json(said.vars) != as_json(case.vars) or said.turns != case.turns:
            raise Disagreement(f"{place}: the case asks something else")
        if said.candidate.line != case.location.line:
            raise Disagreement(f"{place}: the case is in line {case.location.line}")
        if said.waived != decided.waived.get(case.id):
            raise Disagreement(f"{place}: its waiver differs from the commit's")
        if said.flip != decided.flips.get(case.id):
            raise Disagreement(f"{place}: the flip is {said.flip}, but the outcomes give another")


def check_removed(report: SuiteReport, trees: Trees, where: str) -> None:
    """Which of the base's cases the golden set no longer has."""
    if not trees.is_whole:
        return
    removed: tuple[str, ...] = ()
    if trees.base is not None and trees.partners is not None:
        before = trees.base.suites.get(report.suite)
        left = trees.partners.of_base.get(report.suite, {})
        cases = before.golden.cases if before is not None else ()
        removed = tuple(case.id for case in cases if case.id not in left)
    if report.removed != removed:
        raise Disagreement(f"{where}: the removed cases differ")
