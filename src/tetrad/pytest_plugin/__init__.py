"""Golden sets as pytest items: `pytest evals/` runs what `tetrad gate` runs, and decides the same.

An adapter. It collects a case an item and a `::gate` for each suite, executes everything selected in
one go when the first item runs, and reports; deciding is left to `tetrad.policy`. Every pytest
session in an environment with tetrad loads this file, so what it needs is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tetrad.pytest_plugin.run import Key, Run

SUITE_FILES = ("suite.yaml", "suite.yml")
RUNS = pytest.StashKey[dict[Path, "Run"]]()
FAILURES = pytest.StashKey[set[str]]()
# What a report tells the process that ends the session, which under xdist is another one.
PROPERTY = "tetrad_decision"


class ItemFailed(Exception):
    """What a case or a gate has to say; it needs no traceback."""


def skipped(reason: str) -> BaseException:
    """A skip that is told at the item's own place, not at ours."""
    return pytest.skip.Exception(reason, _use_item_location=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tetrad", "golden sets of LLM systems")
    group.addoption("--tetrad-base", metavar="REF", help="judge against the merge base with REF")
    group.addoption(
        "--tetrad-strict", action="store_true", help="every case that does not pass fails"
    )
    group.addoption("--tetrad-offline", action="store_true", help="fetch nothing")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RUNS] = {}
    config.stash[FAILURES] = set()
    config.pluginmanager.register(Exit(config), "tetrad-exit")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A golden set is what the suite file beside it names; nothing else is read."""
    if file_path.suffix not in {".yaml", ".yml", ".jsonl", ".csv"} or file_path.name in SUITE_FILES:
        return None
    if not any((file_path.parent / name).exists() for name in SUITE_FILES):
        return None
    from tetrad.errors import UsageError

    try:
        run = _run(parent.config, file_path)
    except (
        UsageError
    ):  # the suite.yaml is something else's: no folder above is a repository of ours
        return None
    if run.problem is None and file_path not in run.golden_sets:
        return None
    return GoldenFile.from_parent(parent, path=file_path)


class GoldenFile(pytest.File):
    """A golden set: its cases, and the gate of every suite that names it."""

    def collect(self) -> Iterator[pytest.Item]:
        from tetrad.pytest_plugin.run import labels_of

        run = _run(self.config, self.path)
        if run.problem is not None:
            raise self.CollectError(run.problem)
        trials = run.golden_sets[self.path]
        labels = labels_of(trials)
        for trial in trials:
            suffix = labels[trial.key]
            for case in trial.suite.golden.cases:
                item = CaseItem.from_parent(self, name=f"{case.id}{suffix}")
                item.trial, item.case_id, item.line = trial.key, case.id, case.location.line
                yield item
            gate = GateItem.from_parent(self, name=f"gate{suffix}")
            gate.trial = trial.key
            yield gate


class GoldenItem(pytest.Item):
    """What cases and gates have in common: the trial, and a failure told in plain words."""

    trial: Key

    def executed(self) -> Run:
        """The run, which the first item of the session executes for all that are selected."""
        run = _run(self.config, self.path)
        items = [item for item in self.session.items if isinstance(item, GoldenItem)]
        mine = [item for item in items if _run(self.config, item.path) is run]
        cases: dict[Key, set[str]] = {item.trial: set() for item in mine}
        for item in mine:
            if isinstance(item, CaseItem):
                cases[item.trial].add(item.case_id)
        run.execute(cases)
        return run

    def inconclusive(self, reason: str) -> ItemFailed:
        self.user_properties.append((PROPERTY, "INCONCLUSIVE"))
        return ItemFailed(reason)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from tetrad.errors import ExitCode, TetradError

        if isinstance(excinfo.value, TetradError):
            if excinfo.value.exit_code == ExitCode.INCONCLUSIVE:
                self.user_properties.append((PROPERTY, "INCONCLUSIVE"))
            return str(excinfo.value)
        if isinstance(excinfo.value, ItemFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class CaseItem(GoldenItem):
    """One case of one suite on one stack."""

    case_id: str
    line: int

    def runtest(self) -> None:
        verdict = self.executed().verdict(self.trial, self.case_id)
        match verdict.outcome:
            case "missing":
                raise self.inconclusive(verdict.reason)
            case "failed":
                raise ItemFailed(verdict.reason)
            case "expected":
                pytest.xfail(verdict.reason)
            case "unmoved":
                raise skipped(verdict.reason)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.line - 1, self.name


class GateItem(GoldenItem):
    """The decision on one suite; skipped where only a part of its cases was selected."""

    def runtest(self) -> None:
        run = self.executed()
        if not run.is_whole(self.trial):
            raise skipped("only a part of the golden set is selected, and a gate judges the whole")
        decision, reasons = run.decision(self.trial)
        if decision == "INCONCLUSIVE":
            raise self.inconclusive(f"{decision}\n{reasons}")
        if decision == "FAILED":
            raise ItemFailed(f"{decision}\n{reasons}")

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


class Exit:
    """Where nothing failed but what is inconclusive, the exit code is 3, as that of `tetrad gate`."""

    def __init__(self, config: pytest.Config) -> None:
        self._failures = config.stash[FAILURES]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failures.add(str(dict(report.user_properties).get(PROPERTY, "FAILED")))

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        from tetrad.errors import ExitCode

        if exitstatus == pytest.ExitCode.TESTS_FAILED and self._failures == {"INCONCLUSIVE"}:
            session.exitstatus = ExitCode.INCONCLUSIVE


def _run(config: pytest.Config, path: Path) -> Run:
    """The run of the repository that a file is in."""
    from tetrad.pytest_plugin.run import Options, Run
    from tetrad.spec.root import find_root

    runs = config.stash[RUNS]
    root = find_root(path.parent)
    if root not in runs:
        options = Options(
            base=config.getoption("--tetrad-base"),
            strict=bool(config.getoption("--tetrad-strict")),
            offline=bool(config.getoption("--tetrad-offline")),
        )
        runs[root] = Run(root, options)
    return runs[root]
