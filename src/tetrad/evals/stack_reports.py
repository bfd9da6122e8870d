"""From runs to the reports on stacks: each suite by the candidate's yardstick, then by the base's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from tetrad.evals.judged_suites import BaseJudgedSuite, JudgedSuite
from tetrad.evals.runner import SelectedCases
from tetrad.model import Stack
from tetrad.plan import BasePlan, Partners, Plan, StackPlan, SuitePlan, Waived
from tetrad.policy import (
    Beside,
    SuiteDecision,
    base_verdict,
    decide,
    failing,
    suite_report,
    unasked,
    unjudged,
)
from tetrad.policy.notes import Sighting
from tetrad.results.gate_report import BaseDecision, StackReport, SuiteReport
from tetrad.results.outcome import CaseOutcome, SuiteRun

_REGRADING = frozenset({"judge", "code"})


@dataclass(kw_only=True, slots=True)
class StackReports:
    """All that was executed, by the selection's identity; `sightings` grow as stacks are judged."""

    plan: Plan
    partners: Partners | None
    waived: Waived
    runs: Mapping[int, SuiteRun]
    today: date
    sightings: list[Sighting] = field(default_factory=list)

    def of_stack(
        self,
        planned: StackPlan,
        stack: Stack,
        trials: Mapping[str, JudgedSuite],
        by_base: Mapping[str, BaseJudgedSuite],
        *,
        preview: bool,
    ) -> StackReport:
        """`trials` by the candidate's suites, `by_base` by the base's."""
        suites = tuple(self._by_head(suite, trials[suite.suite]) for suite in planned.suites)
        candidate = next((trial.candidate for trial in trials.values()), None)
        base = next((trial.base for trial in trials.values() if trial.base), None)
        return StackReport(
            stack=planned.stack,
            identity=planned.identity,
            base_identity=planned.base_identity,
            changed=planned.changed,
            changes=planned.changes,
            suites=suites,
            model=candidate.model if candidate else "",
            engine=candidate.engine.name if candidate else "",
            build=candidate.engine.build if candidate else "",
            base_model=base.model if base else "",
            base_engine=base.engine.name if base else "",
            base_build=base.engine.build if base else "",
            preview=preview,
            note=planned.note,
            by_base=tuple(
                self._by_base(suite, by_base[suite.suite], stack, suites)
                for suite in planned.by_base
            ),
        )

    def _by_head(self, planned: SuitePlan, trial: JudgedSuite) -> SuiteReport:
        candidate, base = self._candidate(trial), self._base(trial)
        decided = self._decided(trial, candidate, base)
        report = suite_report(trial.suite, candidate, base, decided)
        return replace(report, removed=planned.removed)

    def _by_base(
        self, planned: BasePlan, trial: BaseJudgedSuite, stack: Stack, suites: Sequence[SuiteReport]
    ) -> BaseDecision:
        if trial.trial is None:
            return unjudged(trial.by, trial.problem, heads=planned.heads, binding=planned.binding)
        candidate, base = self._candidate(trial.trial), self._base(trial.trial)
        own = self._own(planned.suite, suites)
        by_id = {outcome.id: outcome for outcome in candidate.cases}
        self.sightings.append(
            Sighting(suite=planned.suite, model=stack.model.ref, by_base=by_id, own=own)
        )
        beside = Beside(
            heads=planned.heads,
            own=own,
            regraded=self._regraded(planned.suite),
            edited=trial.trial.edited,
            binding=planned.binding,
            is_refused=any(
                suite.decision in {"FAILED", "INCONCLUSIVE"}
                for suite in suites
                if suite.suite in planned.heads
            ),
        )
        return base_verdict(
            trial.by, self._decided(trial.trial, candidate, base), candidate, base, beside
        )

    def _decided(
        self, trial: JudgedSuite, candidate: SuiteRun, base: SuiteRun | None
    ) -> SuiteDecision:
        return decide(
            trial.suite,
            candidate,
            base,
            base_expected=bool(base or trial.why_lost),
            why_lost=trial.why_lost,
            waivers=self.waived.waivers,
            brought=self.waived.brought,
            today=self.today,
        )

    def _candidate(self, trial: JudgedSuite) -> SuiteRun:
        """The candidate's run, in which the cases that could not be put to it fail, and those that the
        change asks otherwise have no result.
        """
        run = self._run(trial.candidate)
        if not trial.unfit and not trial.edited:
            return run
        found = {outcome.id: outcome for outcome in run.cases}
        for case in trial.suite.golden.cases:
            if case.id in trial.unfit:
                found[case.id] = failing(case, trial.suite, trial.unfit[case.id])
            elif case.id in trial.edited:
                found[case.id] = unasked(case, trial.edited[case.id])
        cases = (found[case.id] for case in trial.suite.golden.cases if case.id in found)
        return replace(run, cases=tuple(cases))

    def _base(self, trial: JudgedSuite) -> SuiteRun | None:
        if trial.base is None:
            return None
        return replace(self._run(trial.base), unfit=trial.alone)

    def _run(self, selection: SelectedCases) -> SuiteRun:
        return self.runs[id(selection)]

    def _own(self, ref: str, suites: Sequence[SuiteReport]) -> Mapping[str, CaseOutcome]:
        """The candidate's outcomes by its own yardstick, by the ids of a suite of the base."""
        found = {(s.suite, case.id): case.candidate for s in suites for case in s.cases}
        partners = self.partners.of_base.get(ref, {}) if self.partners else {}
        keys = {id_: (partner.suite, partner.case.id) for id_, partner in partners.items()}
        return {id_: found[key] for id_, key in keys.items() if key in found}

    def _regraded(self, ref: str) -> frozenset[str]:
        """The cases of a suite of the base whose judge or code the change moves."""
        changes = (c for c in self.plan.yardstick if c.ref == ref and c.kind in _REGRADING)
        return frozenset(case for change in changes for case in change.cases)
