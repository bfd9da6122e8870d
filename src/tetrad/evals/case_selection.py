"""Cases of a suite for a stack, and how their graded answers become a run: the same for an engine
that is asked here and for a gateway.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tetrad.assertions.answered import Services
from tetrad.canonical import Digest
from tetrad.evals.grading import grade_trace
from tetrad.model import Case, Stack, Suite
from tetrad.results.outcome import CaseOutcome, Sample, SuiteRun
from tetrad.results.trace import Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseSelection:
    """Cases of a suite for one stack, and what grades the answers."""

    suite: Suite
    stack: Stack
    identity: Digest
    cases: tuple[Case, ...]
    services: Services

    async def graded(self, case: Case, trace: Trace) -> Sample:
        """The sample of a case's answer."""
        cost = trace.usage.cost_usd(self.stack.model.prices)
        grade = await grade_trace(
            case, trace, cost_usd=cost, metric=self.suite.metrics[0], services=self.services
        )
        return Sample(
            output=trace.output,
            passed=grade.passed,
            metrics=grade.metrics,
            assertions=grade.assertions,
            usage=trace.usage,
            cost_usd=cost,
            latency_s=trace.latency_s,
            breaches=trace.breaches,
        )

    def run_of(self, outcomes: Iterable[CaseOutcome]) -> SuiteRun:
        """The run of these outcomes, which are in the order of the cases."""
        return SuiteRun(
            suite=self.suite.ref,
            stack=self.stack.ref,
            identity=self.identity,
            golden=self.suite.golden.digest,
            cases=tuple(outcomes),
        )


def outcome_of(case: Case, samples: Iterable[Sample]) -> CaseOutcome:
    """The outcome of a case's samples."""
    return CaseOutcome(
        id=case.id,
        group=case.group,
        tags=case.tags,
        line=case.location.line,
        samples=tuple(samples),
    )
