"""A suite's report, put together from its runs and the decision on them."""

from __future__ import annotations

from tetrad.identity.suite_digest import suite_digest
from tetrad.model import Case, Suite
from tetrad.policy.decide import SuiteDecision
from tetrad.results.gate_report import CaseReport, SuiteReport
from tetrad.results.outcome import CaseOutcome, SuiteRun


def suite_report(
    suite: Suite, candidate: SuiteRun, base: SuiteRun | None, decided: SuiteDecision
) -> SuiteReport:
    """Every case of the golden set in its order, with what both identities answered."""
    now = {outcome.id: outcome for outcome in candidate.cases}
    before = {outcome.id: outcome for outcome in base.cases} if base else {}
    return SuiteReport(
        suite=suite.ref,
        digest=suite_digest(suite),
        file=suite.golden.path,
        golden=suite.golden.digest,
        decision=decided.decision,
        requirements=decided.requirements,
        cases=tuple(
            CaseReport(
                id=case.id,
                flip=decided.flips[case.id],
                waived=decided.waived.get(case.id),
                candidate=now.get(case.id) or _never_ran(case),
                base=before.get(case.id),
                vars=case.vars,
                turns=case.turns,
            )
            for case in suite.golden.cases
        ),
        waived=decided.waivers,
    )


def _never_ran(case: Case) -> CaseOutcome:
    return CaseOutcome(
        id=case.id, group=case.group, tags=case.tags, line=case.location.line, samples=()
    )
