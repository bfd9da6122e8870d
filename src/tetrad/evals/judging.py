"""From a plan to a report: both identities are executed in one go, and policy decides.

This is the whole of a gate but for Git, the clock and output; the command line and the pytest
plugin are two front ends of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from tetrad import __version__
from tetrad.artifacts.progress import Progress
from tetrad.evals.judged_suites import BaseJudgedSuite, JudgedSuite, Sides, alone
from tetrad.evals.recording import Executed, record
from tetrad.evals.runner import SelectedCases, execute
from tetrad.evals.session import Session
from tetrad.evals.stack_reports import StackReports
from tetrad.model import Repository, ScriptedEngine, Stack
from tetrad.plan import Plan, StackPlan, Waived, suites_of, waived
from tetrad.policy import overall
from tetrad.policy.notes import noted
from tetrad.registry import open_ledger
from tetrad.results.gate_report import Report, StackReport
from tetrad.results.outcome import Calls, SuiteRun

if TYPE_CHECKING:
    from tetrad.evals.comparison import Comparison


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trials:
    """What is executed for one stack, by the candidate's suites and by the base's."""

    planned: StackPlan
    by_head: Mapping[str, JudgedSuite]
    by_base: Mapping[str, BaseJudgedSuite]

    @property
    def selections(self) -> Iterable[SelectedCases]:
        by_base = (found.trial for found in self.by_base.values() if found.trial is not None)
        return (s for trial in (*self.by_head.values(), *by_base) for s in trial.selections)


async def gate(
    trees: Comparison,
    plan: Plan,
    session: Session,
    *,
    now: datetime,
    progress: Progress | None = None,
) -> Report:
    """The report on a comparison: what its plan names is executed and judged.

    The candidate is judged by its own yardstick, which judges the base too; and by the base's, where
    the change moves that. Where the base's stack cannot be made to answer, what compares with it is
    INCONCLUSIVE.
    """
    accepted = waived(trees.head, trees.base, trees.partners)
    try:
        trials = [_trials(trees, planned, session, accepted) for planned in plan.stacks]
        selections = {id(s): s for each in trials for s in each.selections}
        if selections:
            open_ledger(session.registry).close()  # what cannot be noted is not paid for
        runs = await execute(tuple(selections.values()), log=session.runs, progress=progress)
    finally:
        await session.aclose()
    verdicts = StackReports(
        plan=plan,
        partners=trees.partners,
        waived=accepted,
        runs=dict(zip(selections, runs, strict=True)),
        today=now.date(),
    )
    stacks = tuple(_report(each, trees.head, verdicts, session) for each in trials)
    report = Report(
        decision=overall([decision for stack in stacks for decision in stack.decisions]),
        base=trees.base_commit,
        head=trees.head_commit,
        dirty=trees.dirty,
        calls=session.calls + Calls(skipped=_skipped(plan, trees.head)),
        stacks=stacks,
        coverage=plan.coverage,
        yardstick=noted(plan.yardstick, verdicts.sightings),
        created=now.isoformat(timespec="seconds"),
        harness=__version__,
    )
    _recorded(report, zip(selections.values(), runs, strict=True), session)
    return report


def _recorded(
    report: Report, runs: Iterable[tuple[SelectedCases, SuiteRun]], session: Session
) -> None:
    """Add what was executed and decided to the ledger; nothing where nothing was."""
    executed = [
        Executed(selection=selection, run=run, preview=_is_preview(selection.stack, session))
        for selection, run in runs
    ]
    if executed:
        with open_ledger(session.registry) as ledger:
            record(ledger, report, executed)


def _trials(trees: Comparison, planned: StackPlan, session: Session, accepted: Waived) -> _Trials:
    stack = trees.head.stacks[planned.stack]
    suites = [trees.head.suites[suite.suite] for suite in planned.suites]
    if trees.base is None or trees.partners is None:
        found = {s.ref: alone(s, stack, head=trees.head, session=session) for s in suites}
        return _Trials(planned=planned, by_head=found, by_base={})
    sides = Sides(head=trees.head, base=trees.base, partners=trees.partners, session=session)
    before = [trees.base.suites[suite.suite] for suite in planned.by_base]
    return _Trials(
        planned=planned,
        by_head={suite.ref: sides.by_head(suite, stack) for suite in suites},
        by_base={suite.ref: sides.by_base(suite, stack, accepted.acceptances) for suite in before},
    )


def _report(
    trials: _Trials, head: Repository, verdicts: StackReports, session: Session
) -> StackReport:
    stack = head.stacks[trials.planned.stack]
    report = verdicts.of_stack(
        trials.planned,
        stack,
        trials.by_head,
        trials.by_base,
        preview=_is_preview(stack, session),
    )
    suites = [head.suites[suite.suite] for suite in trials.planned.suites]
    return replace(report, helpers=session.helpers(suites, stack, head.files))


def _is_preview(stack: Stack, session: Session) -> bool:
    """Whether something else than the stack's own model answered: a script never is one."""
    return session.engine is not None or isinstance(stack.model.engine, ScriptedEngine)


def _skipped(plan: Plan, head: Repository) -> int:
    """The requests of suites that nothing reached."""
    return sum(
        case.repeats
        for planned in plan.stacks
        for suite in suites_of(head, head.stacks[planned.stack])
        if suite.ref not in {ran.suite for ran in planned.suites}
        for case in suite.golden.cases
    )
