"""One execution of everything that a pytest session selected in a repository."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from filelock import FileLock

from tetrad import git
from tetrad.artifacts.progress import Unwatched
from tetrad.errors import TetradError
from tetrad.evals import (
    Selection,
    Workbench,
    compare,
    execute,
    gate,
    open_workbench,
    plan_comparison,
)
from tetrad.plan import no_estimate
from tetrad.registry import registry_path
from tetrad.results.outcome import CaseOutcome, SuiteRun
from tetrad.results.report import CaseReport, Decision, SuiteReport
from tetrad.spec.load import load_repository
from tetrad.spec.model import Repository, Stack, Suite
from tetrad.text import for_log, inert

Key: TypeAlias = tuple[str, str]  # a suite's reference and a stack's


@dataclass(frozen=True, slots=True)
class Options:
    """The plugin's options, as given."""

    base: str | None
    strict: bool
    offline: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """A suite on one of its stacks."""

    suite: Suite
    stack: Stack

    @property
    def key(self) -> Key:
        return self.suite.ref, self.stack.ref


# From the shortest on; the last tells every trial apart.
_LABELS: Sequence[Callable[[Trial], str]] = (
    lambda _: "",
    lambda trial: f"[{trial.stack.name}]",
    lambda trial: f"[{trial.suite.name}]",
    lambda trial: f"[{trial.suite.name}-{trial.stack.name}]",
    lambda trial: f"[{trial.suite.ref}-{trial.stack.ref}]",
)


def labels_of(trials: Sequence[Trial]) -> Mapping[Key, str]:
    """What the names of items end with, so that the trials of one golden set are told apart."""
    candidates = ({trial.key: label(trial) for trial in trials} for label in _LABELS)
    return next(found for found in candidates if len(set(found.values())) == len(found))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a case's item says: `expected` failures break no policy, `missing` ones say nothing."""

    outcome: Literal["passed", "failed", "expected", "missing", "unmoved"]
    reason: str = ""


class Run:
    """Executes once, whoever asks first; whole golden sets are judged, parts of them only run."""

    def __init__(self, root: Path, options: Options) -> None:
        self.problem: str | None = None
        self.golden_sets: dict[Path, list[Trial]] = {}
        self._root = root
        self._options = options
        self._trials: dict[Key, Trial] = {}
        self._reports: dict[Key, SuiteReport] = {}
        self._parts: dict[Key, Mapping[str, CaseOutcome]] = {}
        self._whole: frozenset[Key] = frozenset()
        self._is_done = False
        self._failure: TetradError | None = None
        try:
            self._collect(load_repository(root))
        except TetradError as error:
            self.problem = str(error)

    def execute(self, selected: Mapping[Key, AbstractSet[str]]) -> None:
        """Run the selected cases, all in one go; later calls return at once, or fail the same way."""
        if not self._is_done:
            self._is_done = True
            try:
                self._execute(selected)
            except TetradError as error:
                self._failure = error
        if self._failure is not None:
            raise self._failure

    def is_whole(self, key: Key) -> bool:
        """Whether every case of the trial was selected."""
        return key in self._whole

    def decision(self, key: Key) -> tuple[Decision, str]:
        """The decision on a whole trial, and every requirement's reason."""
        report = self._reports.get(key)
        if report is None:
            return "PASSED", ""
        lines = [f"  {r.decision}: {inert(r.reason)}" for r in report.requirements]
        return report.decision, for_log("\n".join(lines))

    def verdict(self, key: Key, case_id: str) -> Verdict:
        """What a case's item says; inert in a terminal and in a CI log."""
        verdict = self._verdict(key, case_id)
        return replace(verdict, reason=for_log(verdict.reason))

    def _verdict(self, key: Key, case_id: str) -> Verdict:
        if key not in self._whole:
            return _of_part(self._parts[key][case_id])
        report = self._reports.get(key)
        if report is None:
            return Verdict("unmoved", f"nothing that it judges moved against {self._options.base}")
        case = next(case for case in report.cases if case.id == case_id)
        return _of_whole(case, report, strict=self._options.strict)

    def _collect(self, repository: Repository) -> None:
        for suite in repository.suites.values():
            path = self._root / suite.golden.path
            for stack in suite.stacks:
                trial = Trial(suite, stack)
                self._trials[trial.key] = trial
                self.golden_sets.setdefault(path, []).append(trial)

    def _execute(self, cases: Mapping[Key, AbstractSet[str]]) -> None:
        self._whole = frozenset(
            key
            for key, ids in cases.items()
            if len(ids) == len(self._trials[key].suite.golden.cases)
        )
        # Under xdist every worker selects everything. The first to come executes, and what it
        # kept answers the others. The registry comes first: it makes the folder.
        with (
            open_workbench(
                self._root, offline=self._options.offline, engine=None, progress=Unwatched()
            ) as bench,
            FileLock(registry_path(self._root).with_suffix(".pytest.lock")),
        ):
            asyncio.run(self._run(bench, cases))

    async def _run(self, bench: Workbench, cases: Mapping[Key, AbstractSet[str]]) -> None:
        try:
            if self._whole:
                await self._judge(bench)
            parts = [
                self._part(bench, self._trials[key], ids)
                for key, ids in cases.items()
                if key not in self._whole
            ]
            for run in await execute(parts, registry=bench.registry):
                self._parts[run.suite, run.stack] = _by_id(run)
        finally:
            await bench.aclose()

    def _part(self, bench: Workbench, trial: Trial, ids: AbstractSet[str]) -> Selection:
        cases = [case for case in trial.suite.golden.cases if case.id in ids]
        return bench.select(trial.suite, trial.stack, root=self._root, cases=cases)

    async def _judge(self, bench: Workbench) -> None:
        """Judge the whole trials as `tetrad gate` would."""
        with git.base_tree(self._root, self._options.base) as base:
            head_commit, dirty = git.state(self._root)
            trees = compare(self._root, base, head_commit=head_commit, dirty=dirty)
            stacks = {key[1]: trees.head.stacks[key[1]] for key in sorted(self._whole)}
            plan = plan_comparison(trees, tuple(stacks.values()), bench, estimate=no_estimate)
            selected = tuple(
                replace(s, suites=tuple(u for u in s.suites if (u.suite, s.stack) in self._whole))
                for s in plan.stacks
            )
            report = await gate(trees, replace(plan, stacks=selected), bench, now=datetime.now(UTC))
        for stack in report.stacks:
            for suite in stack.suites:
                self._reports[suite.suite, stack.stack] = suite


def _by_id(run: SuiteRun) -> Mapping[str, CaseOutcome]:
    return {outcome.id: outcome for outcome in run.cases}


def _of_part(outcome: CaseOutcome) -> Verdict:
    if outcome.missing:
        return Verdict("missing", _told(outcome))
    return Verdict("passed") if outcome.passed else Verdict("failed", _told(outcome))


def _of_whole(case: CaseReport, report: SuiteReport, *, strict: bool) -> Verdict:
    """A case that fails without breaking its suite's policy is expected to, unless `strict`."""
    if case.candidate.missing:
        return Verdict("missing", _told(case.candidate))
    if case.candidate.passed:
        return Verdict("passed")
    reason = "\n".join([*_why_expected(case, report), _told(case.candidate, case.base)])
    is_expected = bool(_why_expected(case, report)) and not strict
    return Verdict("expected" if is_expected else "failed", reason)


def _why_expected(case: CaseReport, report: SuiteReport) -> tuple[str, ...]:
    if case.waived is not None:
        return (f"accepted by a waiver: {inert(case.waived)}",)
    if case.flip == "already_broken":
        return ("already broken on the base",)
    if report.decision != "FAILED":
        return ("fails within what the suite's policy allows",)
    return ()


def _told(outcome: CaseOutcome, base: CaseOutcome | None = None) -> str:
    """Answers and what is wrong with them, in plain lines."""
    lines: list[str] = []
    for sample in outcome.samples:
        if sample.error is not None:
            lines.append(f"no result: {inert(sample.error)}")
            continue
        lines.append(f"answer: {inert(sample.output)}")
        lines += [
            f"  {inert(result.type)}: {inert(result.reason)}"
            for result in sample.assertions
            if not result.passed
        ]
    if base is not None:
        lines += [f"base's answer: {inert(sample.output)}" for sample in base.samples]
    return "\n".join(lines)
