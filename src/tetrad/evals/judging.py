"""From a plan to verdicts: both identities are executed in one go, and policy decides.

This is the whole of a gate but for Git, the clock and output; the command line and the pytest
plugin are two front ends of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeAlias

from tetrad import __version__
from tetrad.artifacts.progress import Progress
from tetrad.canonical import Digest
from tetrad.errors import TetradError
from tetrad.evals.build import Workbench
from tetrad.evals.comparison import Comparison
from tetrad.evals.runner import Selection, execute
from tetrad.model import Repository, ScriptedEngine, Stack, Suite, Waiver
from tetrad.plan import Plan, StackPlan, suites_of
from tetrad.policy import decide, overall, suite_report
from tetrad.registry import Registry
from tetrad.results.outcome import Calls, SuiteRun
from tetrad.results.report import Report, StackReport, SuiteReport

# A suite of a tree, on a stack of the same or another tree, ready to execute.
Select: TypeAlias = Callable[[Suite, Stack], Selection]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A tree with what makes its stacks answer."""

    repository: Repository
    select: Select


@dataclass(frozen=True, slots=True)
class _Trial:
    """One suite of one stack: the head's run, and the base's or why there is none."""

    suite: Suite
    candidate: Selection
    base: Selection | None
    why_lost: str = ""  # why there is no base's run where one was expected


async def gate(
    trees: Comparison,
    plan: Plan,
    bench: Workbench,
    *,
    now: datetime,
    progress: Progress | None = None,
) -> Report:
    """The report on a comparison: what its plan names is executed and judged."""

    def judged(repository: Repository) -> Judged:
        return Judged(
            repository=repository,
            select=lambda suite, stack: bench.select(
                suite, stack, root=repository.root, suite_root=trees.head.root
            ),
        )

    try:
        stacks = await judge(
            plan.stacks,
            judged(trees.head),
            judged(trees.base) if trees.base else None,
            registry=bench.registry,
            today=now.date(),
            progress=progress,
        )
    finally:
        await bench.aclose()
    return Report(
        decision=overall([suite.decision for stack in stacks for suite in stack.suites]),
        base=trees.base_commit,
        head=trees.head_commit,
        dirty=trees.dirty,
        calls=bench.calls + Calls(skipped=_skipped(plan, trees.head)),
        stacks=tuple(
            replace(s, preview=_is_preview(trees.head.stacks[s.stack], bench)) for s in stacks
        ),
        roster=plan.roster,
        created=now.isoformat(timespec="seconds"),
        harness=__version__,
    )


def _is_preview(stack: Stack, bench: Workbench) -> bool:
    """Whether something else than the stack's own model answered: a script never is one."""
    return bench.engine is not None or isinstance(stack.model.engine, ScriptedEngine)


def _skipped(plan: Plan, head: Repository) -> int:
    """The requests of suites that nothing reached."""
    return sum(
        case.repeats
        for planned in plan.stacks
        for suite in suites_of(head, head.stacks[planned.stack])
        if suite.ref not in {ran.suite for ran in planned.suites}
        for case in suite.golden.cases
    )


async def judge(
    plans: Sequence[StackPlan],
    head: Judged,
    base: Judged | None,
    *,
    registry: Registry,
    today: date,
    progress: Progress | None = None,
) -> tuple[StackReport, ...]:
    """Execute every suite that the plans name, on both identities, and decide.

    The head's golden set and policy judge both. Where the base's stack cannot be made to answer, what
    compares with it is INCONCLUSIVE.
    """
    trials = {
        (plan.stack, suite.suite): _trial(plan, suite.suite, head, base)
        for plan in plans
        for suite in plan.suites
    }
    selections = [s for trial in trials.values() for s in (trial.candidate, trial.base) if s]
    runs = await execute(_distinct(selections), registry=registry, progress=progress)
    by_key = {(run.suite, run.stack, run.identity): run for run in runs}
    waivers = head.repository.waivers
    brought = frozenset(waivers).difference(base.repository.waivers) if base else frozenset()
    return tuple(
        _report(
            plan,
            [
                replace(
                    _decided(trials[plan.stack, s.suite], by_key, waivers, brought, today),
                    removed=s.removed,
                )
                for s in plan.suites
            ],
            [trials[plan.stack, s.suite] for s in plan.suites],
        )
        for plan in plans
    )


def _trial(plan: StackPlan, ref: str, head: Judged, base: Judged | None) -> _Trial:
    suite = head.repository.suites[ref]
    candidate = head.select(suite, head.repository.stacks[plan.stack])
    old = base.repository.stacks.get(plan.stack) if base else None
    if base is None or old is None:
        return _Trial(suite, candidate, None)
    try:
        return _Trial(suite, candidate, base.select(suite, old))
    except TetradError as error:
        return _Trial(suite, candidate, None, f"this suite cannot judge the base: {error}")


def _distinct(selections: Sequence[Selection]) -> list[Selection]:
    """One execution for equal identities: where only the suite moved, base and head are the same."""
    found: dict[tuple[str, str, Digest], Selection] = {}
    for selection in selections:
        found.setdefault(_key(selection), selection)
    return list(found.values())


def _key(selection: Selection) -> tuple[str, str, Digest]:
    return selection.suite.ref, selection.stack.ref, selection.identity


def _decided(
    trial: _Trial,
    runs: Mapping[tuple[str, str, Digest], SuiteRun],
    waivers: Sequence[Waiver],
    brought: frozenset[Waiver],
    today: date,
) -> SuiteReport:
    candidate = runs[_key(trial.candidate)]
    base = runs[_key(trial.base)] if trial.base else None
    decided = decide(
        trial.suite,
        candidate,
        base,
        base_expected=bool(base or trial.why_lost),
        why_lost=trial.why_lost,
        waivers=waivers,
        brought=brought,
        today=today,
    )
    return suite_report(trial.suite, candidate, base, decided)


def _report(
    plan: StackPlan, suites: Sequence[SuiteReport], trials: Sequence[_Trial]
) -> StackReport:
    candidate = trials[0].candidate if trials else None
    base = next((trial.base for trial in trials if trial.base), None)
    return StackReport(
        stack=plan.stack,
        identity=plan.identity,
        base_identity=plan.base_identity,
        changed=plan.changed,
        changes=plan.changes,
        suites=tuple(suites),
        model=candidate.model if candidate else "",
        engine=candidate.engine.name if candidate else "",
        build=candidate.engine.build if candidate else "",
        base_model=base.model if base else "",
        base_engine=base.engine.name if base else "",
        base_build=base.engine.build if base else "",
        note=plan.note,
    )
