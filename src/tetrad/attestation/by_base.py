"""Taking the base's decisions on a change again, from the base's suites and the recorded answers.

A report keeps of them the cases that the two yardsticks see differently, without traces; the others
score as by the candidate's own suites, whose traces it has. So what asks nothing of the base's stack
and of no judge is derived again; of the rest, that the requirements are those of the base's suite.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tetrad.attestation.disagreement import Disagreement
from tetrad.attestation.regrading import graded_alone
from tetrad.attestation.retaking import Trees, alike
from tetrad.evals.judged_suites import judgeable
from tetrad.identity import identity_of
from tetrad.model import Case, Stack, Suite
from tetrad.plan import judging_before, posed, priced_as
from tetrad.policy import Narrowed, SuiteDecision, decide, narrowed, overall, scores_alike
from tetrad.policy.base_yardstick import uses
from tetrad.results.gate_report import BaseDecision, RequirementResult, StackReport
from tetrad.results.outcome import CaseOutcome, Sample, SuiteRun

_OF_CANDIDATE = frozenset({"min", "must_pass"})  # requirements that compare with nothing


def check_by_base(report: StackReport, stack: Stack, trees: Trees) -> None:
    """Whether every suite of the base that has to judge the change did so, and says what it says of
    the recorded answers; Disagreement else.
    """
    old = trees.base_stack(stack)
    if trees.base is None or trees.partners is None or old is None:
        if report.by_base:
            raise Disagreement(f"{stack.ref}: nothing of the base judges it")
        return
    before = {
        suite.ref: suite
        for suite in judging_before(trees.head, trees.base, stack, old, trees.partners)
    }
    is_binding = identity_of(old) != identity_of(stack)
    said = {decision.suite: decision for decision in report.by_base}
    missing = sorted(before.keys() - said.keys()) if is_binding else []
    if missing:
        raise Disagreement(f"{stack.ref}: not judged by the base's {', '.join(missing)}")
    for ref, decision in said.items():
        where = f"{stack.ref}: the base's {ref}"
        if ref not in before:
            raise Disagreement(f"{where} does not judge the change")
        if decision.binding != is_binding:
            raise Disagreement(
                f"{where}: is {'' if decision.binding else 'not '}said to be binding"
            )
        by = _narrowed(before[ref], old, trees)
        again = _Again(said=decision, by=by, stack=stack, old=old, trees=trees, where=where)
        again.check(_own(report, ref, trees))


def _narrowed(suite: Suite, old: Stack, trees: Trees) -> Narrowed:
    """The base's suite without what the commit accepts away."""
    sound = judgeable(posed(suite, old, old, {}).suite, old)[0]
    heads = trees.partners.heads(suite.ref) if trees.partners is not None else ()
    names = {suite.ref, *heads}
    return narrowed(sound, [line for line in trees.waived.acceptances if line.suite in names])


def _own(report: StackReport, ref: str, trees: Trees) -> Mapping[str, tuple[Case, CaseOutcome]]:
    """The candidate's outcomes by its own yardstick, by the ids of a suite of the base."""
    found = {(s.suite, case.id): case.candidate for s in report.suites for case in s.cases}
    partners = trees.partners.of_base.get(ref, {}) if trees.partners is not None else {}
    return {
        id_: (partner.case, found[partner.suite, partner.case.id])
        for id_, partner in partners.items()
        if (partner.suite, partner.case.id) in found
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Again:
    """One suite of the base, and what the report says by it."""

    said: BaseDecision
    by: Narrowed
    stack: Stack
    old: Stack
    trees: Trees
    where: str

    def check(self, own: Mapping[str, tuple[Case, CaseOutcome]]) -> None:
        said = self.said
        if said.accepted != uses(self.by.used):
            self._refuse("what is accepted of it is not what the commit says")
        if said.decision == "INCONCLUSIVE":
            return  # which refuses, where it is binding
        if not self.by.judges:
            if said.decision != "NOT_APPLICABLE":
                self._refuse(f"{said.decision}, and all of it is accepted away")
            return
        if said.decision == "NOT_APPLICABLE":
            self._refuse("NOT_APPLICABLE, and it judges the change")
        self._check_grades(own)
        self._check_requirements(own)
        found = overall([r.decision for r in said.requirements])
        if said.decision != found:
            self._refuse(f"{said.decision}, and its requirements {found}")

    def _check_grades(self, own: Mapping[str, tuple[Case, CaseOutcome]]) -> None:
        """The base's assertions on the recorded answers to what both suites ask alike."""
        told = {case.id: case.candidate for case in self.said.cases}
        for case in self.by.suite.golden.cases:
            if case.id not in own:
                continue
            partner, outcome = own[case.id]
            if (case.vars, case.tools, case.repeats) != (
                partner.vars, partner.tools, partner.repeats,
            ):  # fmt: skip
                continue
            graded = asyncio.run(self._graded(case, outcome))
            said = told.get(case.id, outcome)
            if graded is not None and not said.missing and not scores_alike(graded, said):
                self._refuse(f"{case.id} has other scores when it is graded again")

    async def _graded(self, case: Case, outcome: CaseOutcome) -> CaseOutcome | None:
        prices = priced_as(self.stack, self.old).model.prices
        samples: list[Sample] = []
        for sample in outcome.samples:
            cost = sample.usage.cost_usd(prices)
            grade = await graded_alone(case, sample, self.by.suite.metrics[0], cost_usd=cost)
            if grade is None:
                return None
            samples.append(replace(sample, passed=grade.passed, metrics=grade.metrics))
        return replace(outcome, samples=tuple(samples))

    def _check_requirements(self, own: Mapping[str, tuple[Case, CaseOutcome]]) -> None:
        """Those that look at the candidate alone follow from the outcomes, where all are known."""
        said = self.said.requirements
        outcomes = tuple(self._outcomes(own))
        found = self._decided(outcomes).requirements
        if [_name(r) for r in said] != [_name(r) for r in found]:
            self._refuse("not every requirement is in the report")
        if len(outcomes) < len(self.by.suite.golden.cases):
            return
        for one, other in zip(said, found, strict=True):
            if one.requirement in _OF_CANDIDATE and not alike(one, other):
                self._refuse(f"{one.requirement} is not what the scores give")

    def _outcomes(self, own: Mapping[str, tuple[Case, CaseOutcome]]) -> Iterator[CaseOutcome]:
        told = {case.id: case.candidate for case in self.said.cases}
        for case in self.by.suite.golden.cases:
            if case.id in told:
                yield told[case.id]
            elif case.id in own:
                yield replace(own[case.id][1], id=case.id)

    def _decided(self, outcomes: Sequence[CaseOutcome]) -> SuiteDecision:
        suite, waived = self.by.suite, self.trees.waived
        run = SuiteRun(
            suite=suite.ref,
            stack=self.stack.ref,
            identity=identity_of(self.stack),
            golden=suite.golden.digest,
            cases=tuple(outcomes),
        )
        return decide(
            suite,
            run,
            None,
            base_expected=True,
            waivers=waived.waivers,
            brought=waived.brought,
            today=self.trees.today,
        )

    def _refuse(self, problem: str) -> None:
        raise Disagreement(f"{self.where}: {problem}")


def _name(result: RequirementResult) -> tuple[str, str | None, str | None]:
    return result.requirement, result.metric, result.statistic
