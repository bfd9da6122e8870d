"""One execution of everything that a pytest session selected in a repository."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeAlias

from tetrad import git
from tetrad.answers import answers_path
from tetrad.artifacts.progress import Progress
from tetrad.errors import TetradError
from tetrad.evals import (
    SelectedCases,
    Session,
    compare,
    execute,
    gate,
    interrupts,
    open_session,
    plan_comparison,
)
from tetrad.loading.files import Tree
from tetrad.loading.repositories import load_repository
from tetrad.model import Repository, Stack, Suite
from tetrad.plan import StackPlan, no_estimate
from tetrad.pytest_plugin.item_verdicts import of_part, of_whole
from tetrad.pytest_plugin.outcomes import (
    Failure,
    GateVerdict,
    Key,
    Outcomes,
    TrialOutcome,
    Verdict,
)
from tetrad.pytest_plugin.sharing import once_a_session
from tetrad.results.gate_report import BaseDecision, StackReport, SuiteReport
from tetrad.text import for_log, inert
from tetrad.trees import WorkingTree

Selected: TypeAlias = Mapping[Key, AbstractSet[str]]  # the ids of the cases of each trial


@dataclass(frozen=True, slots=True)
class Options:
    """The plugin's options, as given."""

    base: str | None
    strict: bool
    offline: bool
    session: str | None  # what the workers of a session under pytest-xdist share; None without it


@dataclass(frozen=True, slots=True)
class SuiteItems:
    """A suite on one of its stacks."""

    suite: Suite
    stack: Stack

    @property
    def key(self) -> Key:
        return self.suite.ref, self.stack.ref

    @property
    def size(self) -> int:
        return len(self.suite.golden.cases)


# From the shortest on; the last tells every trial apart.
_LABELS: Sequence[Callable[[SuiteItems], str]] = (
    lambda _: "",
    lambda trial: f"[{trial.stack.name}]",
    lambda trial: f"[{trial.suite.name}]",
    lambda trial: f"[{trial.suite.name}-{trial.stack.name}]",
    lambda trial: f"[{trial.suite.ref}-{trial.stack.ref}]",
)


def labels_of(trials: Sequence[SuiteItems]) -> Mapping[Key, str]:
    """What the names of items end with, so that the trials of one golden set are told apart."""
    candidates = ({trial.key: label(trial) for trial in trials} for label in _LABELS)
    return next(found for found in candidates if len(set(found.values())) == len(found))


class SessionRun:
    """Executes once, whoever asks first; whole golden sets are judged, parts of them only run."""

    def __init__(self, root: Path, options: Options, progress: Progress) -> None:
        self.problem: str | None = None
        self.golden_sets: dict[Path, list[SuiteItems]] = {}
        self._root = root
        self._options = options
        self._progress = progress
        self._trials: dict[Key, SuiteItems] = {}
        self._problem_told_by: str | None = None
        self._outcomes: Outcomes | None = None
        self._by_trial: Mapping[Key, TrialOutcome] = {}
        try:
            self._collect(load_repository(root))
        except TetradError as error:
            self.problem = str(error)

    def problem_told_by(self, golden_set: str) -> str | None:
        """Why nothing can be collected: the first golden set tells it, the others point there."""
        if self.problem is None or self._problem_told_by in {None, golden_set}:
            self._problem_told_by = golden_set
            return self.problem
        return f"see {self._problem_told_by}"

    @property
    def is_executed(self) -> bool:
        return self._outcomes is not None

    @property
    def failure(self) -> Failure | None:
        """Why nothing was executed; None where it was."""
        return None if self._outcomes is None else self._outcomes.failure

    def execute(self, selected: Selected, *, asked_by: str) -> None:
        """Run the selected cases, all in one go, or read what another worker made of them.

        `asked_by` is the node id of the item that came first.
        """
        # What the items after it find where a bug of ours ends this one.
        self._outcomes = Outcomes(failure=Failure(told_by=asked_by))
        attempt = partial(self._attempt, selected, asked_by)
        if self._options.session is None:
            self._outcomes = attempt()
        else:
            folder = answers_path(self._root).parent / "pytest"
            self._outcomes = once_a_session(folder, self._options.session, attempt)
        self._by_trial = self._outcomes.by_trial()

    def gate(self, key: Key) -> GateVerdict | None:
        """The decision on a trial; None where only a part of its cases was selected."""
        return self._by_trial[key].gate

    def verdict(self, key: Key, case_id: str) -> Verdict:
        """What a case's item says."""
        return self._by_trial[key].verdicts[case_id]

    def _collect(self, repository: Repository) -> None:
        for suite in repository.suites.values():
            path = self._root / suite.golden.path
            for stack in suite.stacks:
                trial = SuiteItems(suite, stack)
                self._trials[trial.key] = trial
                self.golden_sets.setdefault(path, []).append(trial)

    def _attempt(self, selected: Selected, asked_by: str) -> Outcomes:
        try:
            with open_session(
                self._root, offline=self._options.offline, engine=None, progress=self._progress
            ) as bench:
                return Outcomes(trials=tuple(interrupts.run(self._run(bench, selected))))
        except TetradError as error:
            reason = for_log(inert(str(error)))
            return Outcomes(
                failure=Failure(told_by=asked_by, reason=reason, exit_code=int(error.exit_code))
            )

    async def _run(self, bench: Session, selected: Selected) -> Sequence[TrialOutcome]:
        # Where no case of a trial is selected, its gate is, alone: it asks for the whole.
        whole = [key for key, ids in selected.items() if len(ids) in {0, self._trials[key].size}]
        parts = [key for key in selected if key not in whole]
        try:
            judged = await self._judge(bench, whole) if whole else ()
            selections = [self._part(bench, self._trials[key], selected[key]) for key in parts]
            runs = await execute(selections, log=bench.runs)
        finally:
            await bench.aclose()
        return [*judged, *map(of_part, runs)]

    def _part(self, bench: Session, trial: SuiteItems, ids: AbstractSet[str]) -> SelectedCases:
        cases = [case for case in trial.suite.golden.cases if case.id in ids]
        return bench.select(trial.suite, trial.stack, files=WorkingTree(self._root), cases=cases)

    async def _judge(self, bench: Session, whole: Sequence[Key]) -> Sequence[TrialOutcome]:
        """Judge the whole trials as `tetrad gate` would."""
        with git.base_tree(self._root, self._options.base) as base:
            head_commit, dirty = git.state(self._root)
            trees = compare(
                Tree(WorkingTree(self._root)), base, head_commit=head_commit, dirty=dirty
            )
            stacks = {key[1]: trees.head.stacks[key[1]] for key in sorted(whole)}
            plan = plan_comparison(trees, tuple(stacks.values()), bench, estimate=no_estimate)
            selected = tuple(_selected(planned, whole) for planned in plan.stacks)
            report = await gate(trees, replace(plan, stacks=selected), bench, now=datetime.now(UTC))
        reports = {(u.suite, s.stack): u for s in report.stacks for u in s.suites}
        by_base = {(u.suite, s.stack): _by_base(s, u) for s in report.stacks for u in s.suites}
        return [
            of_whole(key, reports[key], by_base[key], strict=self._options.strict)
            if key in reports
            else self._unmoved(key)
            for key in whole
        ]

    def _unmoved(self, key: Key) -> TrialOutcome:
        """Nothing that the suite judges moved, so nothing was asked, and nothing stands in the way."""
        verdict = Verdict("unmoved", f"nothing that it judges moved against {self._options.base}")
        cases = self._trials[key].suite.golden.cases
        return TrialOutcome(
            suite=key[0],
            stack=key[1],
            verdicts={case.id: verdict for case in cases},
            gate=GateVerdict("PASSED"),
        )


def _selected(planned: StackPlan, whole: Sequence[Key]) -> StackPlan:
    """The part of a plan that judges whole golden sets; what the base judged by goes with them."""
    suites = tuple(u for u in planned.suites if (u.suite, planned.stack) in whole)
    refs = {suite.suite for suite in suites}
    others = {suite.suite for suite in planned.suites} - refs
    kept = (by for by in planned.by_base if others.isdisjoint(by.heads) or refs & {*by.heads})
    return replace(planned, suites=suites, by_base=tuple(kept) if suites else ())


def _by_base(stack: StackReport, suite: SuiteReport) -> Sequence[BaseDecision]:
    """The verdicts of the base's yardstick that a suite's gate tells: of its own cases, and its stack's
    first suite those of suites that judge the stack no more.
    """
    refs = {judged.suite for judged in stack.suites}
    is_first = stack.suites[0] is suite
    return [
        verdict
        for verdict in stack.by_base
        if verdict.binding
        and (suite.suite in verdict.heads or (is_first and refs.isdisjoint(verdict.heads)))
    ]
