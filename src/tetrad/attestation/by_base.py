"""Taking the base's decisions on a change again, from the base's suites and the recorded answers.

A report keeps of them the cases that the two yardsticks see differently, without traces; the others
score as by the candidate's own suites, whose traces it has. So what no judge scores is derived again
where both suites ask alike; of the rest, that the requirements are those of the base's suite.
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
from tetrad.results.gate_report import BaseDecision, CaseReport, RequirementResult, StackReport
from tetrad.results.outcome import CaseOutcome, Sample, SuiteRun

_OF_CANDIDATE = frozenset({"min", "must_pass"})  # requirements that compare with nothing
_OF_BOTH = frozenset({"no_worse_than_base", "max_flips"})

_Own = Mapping[str, tuple[Case, CaseReport]]  # by the ids of a suite of the base


def check_by_base(report: StackReport, stack: Stack, trees: Trees) -> None:
    """Whether every suite of the base that has to judge the change did so, and says what it says of
    the recorded answers; Disagreement else.
    """
    old = trees.base_stack(stack)
    if trees.base is None or trees.partners is None or old is None:
        if report.by_base:
            raise Disagreement(f"{stack.ref}: no suite of the base judges it")
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
    if [decision.suite for decision in report.by_base] != [ref for ref in before if ref in said]:
        raise Disagreement(f"{stack.ref}: the base's suites are not listed once each, in order")
    for ref, decision in said.items():
        where = f"{stack.ref}: the base's {ref}"
        if ref not in before:
            raise Disagreement(f"{where} does not judge the change")
        if decision.binding != is_binding:
            raise Disagreement(f"{where}: reported as {'' if decision.binding else 'not '}binding")
        by = _narrowed(before[ref], old, trees)
        again = _Recheck(said=decision, by=by, stack=stack, old=old, trees=trees, where=where)
        again.check(_own(report, ref, trees))


def _narrowed(suite: Suite, old: Stack, trees: Trees) -> Narrowed:
    """The base's suite without what the commit accepts away."""
    sound = judgeable(posed(suite, old, old, {}).suite, old)[0]
    heads = trees.partners.heads(suite.ref) if trees.partners is not None else ()
    names = {suite.ref, *heads}
    return narrowed(sound, [line for line in trees.waived.acceptances if line.suite in names])


def _own(report: StackReport, ref: str, trees: Trees) -> _Own:
    """The cases of a suite of the base as the candidate's own suites have them."""
    found = {(s.suite, case.id): case for s in report.suites for case in s.cases}
    partners = trees.partners.of_base.get(ref, {}) if trees.partners is not None else {}
    return {
        id_: (partner.case, found[partner.suite, partner.case.id])
        for id_, partner in partners.items()
        if (partner.suite, partner.case.id) in found
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Recheck:
    """One suite of the base, and what the report says by it."""

    said: BaseDecision
    by: Narrowed
    stack: Stack
    old: Stack
    trees: Trees
    where: str

    def check(self, own: _Own) -> None:
        said = self.said
        if self.trees.is_whole and said.heads != self._heads:
            self._refuse("the suites that hold its cases now differ")
        if said.accepted != uses(self.by.used):
            self._refuse("what is accepted of it differs from the commit")
        if said.decision == "INCONCLUSIVE":
            return  # which refuses, where it is binding
        if not self.by.judges:
            if said.decision != "NOT_APPLICABLE" or said.requirements or said.cases or said.alike:
                self._refuse(f"{said.decision}, but all of it is accepted")
            return
        if said.decision == "NOT_APPLICABLE":
            self._refuse("NOT_APPLICABLE, but it judges the change")
        self._check_grades(own)
        self._check_alike(own)
        self._check_requirements(own)
        found = overall([r.decision for r in said.requirements])
        if said.decision != found:
            self._refuse(f"{said.decision}, but its requirements give {found}")

    def _check_grades(self, own: _Own) -> None:
        """The base's assertions on the recorded answers to what both suites ask alike."""
        told = {case.id: case for case in self.said.cases}
        for case in self.by.suite.golden.cases:
            if not _is_asked_alike(case, own):
                continue
            now, before = own[case.id][1].candidate, own[case.id][1].base
            said = told[case.id].candidate if case.id in told else now
            self._compare(case, said, self._graded(case, now))
            if case.id in told and before is not None:
                self._compare(case, told[case.id].base, self._graded(case, before))

    @property
    def _heads(self) -> tuple[str, ...]:
        partners = self.trees.partners
        return partners.heads(self.by.suite.ref) if partners is not None else ()

    def _check_alike(self, own: _Own) -> None:
        """Cases that are told are seen otherwise than by the candidate's own suites."""
        ids = [case.id for case in self.by.suite.golden.cases]
        told = [case.id for case in self.said.cases]
        if told != [id_ for id_ in ids if id_ in set(told)]:
            self._refuse("the cases are not those of its golden set")
        alike_ = sum(id_ in own and id_ not in told for id_ in ids)
        if self.trees.is_whole and self.said.alike != alike_:
            self._refuse(f"{self.said.alike} cases reported as scoring alike, found {alike_}")

    def _compare(self, case: Case, said: CaseOutcome | None, graded: CaseOutcome | None) -> None:
        if said is None or graded is None or said.missing:
            return
        if not scores_alike(graded, said):
            self._refuse(f"{case.id} scores differently when it is graded again")

    def _graded(self, case: Case, outcome: CaseOutcome) -> CaseOutcome | None:
        """The outcome by the base's assertions; None where they ask somebody."""
        prices = priced_as(self.stack, self.old).model.prices
        samples: list[Sample] = []
        for sample in outcome.samples:
            cost = sample.usage.cost_usd(prices)
            metric = self.by.suite.metrics[0]
            grade = asyncio.run(graded_alone(case, sample, metric, cost_usd=cost))
            if grade is None:
                return None
            samples.append(replace(sample, passed=grade.passed, metrics=grade.metrics))
        return replace(outcome, id=case.id, samples=tuple(samples))

    def _check_requirements(self, own: _Own) -> None:
        """They follow from the outcomes, where all of those that they look at are known."""
        said, cases = self.said.requirements, self.by.suite.golden.cases
        now, before = tuple(self._candidate(own)), tuple(self._before(own))
        found = self._decided(now, before)
        if [_name(r) for r in said] != [_name(r) for r in found.requirements]:
            self._refuse("not every requirement is in the report")
        known = _OF_CANDIDATE if len(now) == len(cases) else frozenset()
        if known and len(before) == len(cases):
            known |= _OF_BOTH
        for one, other in zip(said, found.requirements, strict=True):
            if one.requirement in known and not alike(one, other):
                self._refuse(f"{one.requirement} does not follow from the scores")
        if known >= _OF_BOTH:
            for case in self.said.cases:
                if (case.flip, case.waived) != (found.flips[case.id], found.waived.get(case.id)):
                    self._refuse(f"{case.id} is flipped or waived other than by its outcomes")

    def _candidate(self, own: _Own) -> Iterator[CaseOutcome]:
        told = {case.id: case.candidate for case in self.said.cases}
        for case in self.by.suite.golden.cases:
            if case.id in told:
                yield told[case.id]
            elif case.id in own:
                yield replace(own[case.id][1].candidate, id=case.id)

    def _before(self, own: _Own) -> Iterator[CaseOutcome]:
        """The base's outcomes by its own suite, as far as they are told or can be graded again."""
        told = {case.id: case.base for case in self.said.cases}
        for case in self.by.suite.golden.cases:
            outcome = told.get(case.id)
            if outcome is None and _is_asked_alike(case, own):
                recorded = own[case.id][1].base
                outcome = self._graded(case, recorded) if recorded is not None else None
            if outcome is not None:
                yield outcome

    def _decided(self, now: Sequence[CaseOutcome], before: Sequence[CaseOutcome]) -> SuiteDecision:
        suite, waived = self.by.suite, self.trees.waived
        return decide(
            suite,
            _run(suite, self.stack, now),
            _run(suite, self.old, before),
            base_expected=True,
            waivers=waived.waivers,
            brought=waived.brought,
            today=self.trees.today,
        )

    def _refuse(self, problem: str) -> None:
        raise Disagreement(f"{self.where}: {problem}")


def _is_asked_alike(case: Case, own: _Own) -> bool:
    """Whether the candidate's own suites ask what a case of the base does."""
    if case.id not in own:
        return False
    partner = own[case.id][0]
    asked = (partner.vars, partner.tools, partner.repeats)
    return (case.vars, case.tools, case.repeats) == asked


def _run(suite: Suite, stack: Stack, outcomes: Sequence[CaseOutcome]) -> SuiteRun:
    return SuiteRun(
        suite=suite.ref,
        stack=stack.ref,
        identity=identity_of(stack),
        golden=suite.golden.digest,
        cases=tuple(outcomes),
    )


def _name(result: RequirementResult) -> tuple[str, str | None, str | None]:
    return result.requirement, result.metric, result.statistic
