"""Golden sets as pytest items: `pytest evals/` runs what `tetrad gate` runs, and decides the same.

An adapter. It collects a case an item and a `::gate` for each suite, executes everything selected in
one go when the first item runs, and reports; deciding is left to `tetrad.policy`. Every pytest
session in an environment with tetrad loads this file, so what it needs is imported where it is used.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest

from tetrad.pytest_plugin.run_notes import Notes

if TYPE_CHECKING:
    from tetrad.pytest_plugin.outcomes import Failure, Key
    from tetrad.pytest_plugin.run import SessionRun

SUITE_FILES = ("suite.yaml", "suite.yml")
RUNS = pytest.StashKey[dict[Path, "SessionRun"]]()
SESSION = pytest.StashKey[str]()
NOTES = pytest.StashKey[Notes]()
# What a report tells the process that ends the session, which under xdist is another one.
PROPERTY = "tetrad_exit_code"
# What that process tells its workers.
SESSION_INPUT = "tetrad_session"


class ItemFailed(Exception):
    """What a case or a gate has to say; it needs no traceback."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tetrad", "golden sets of LLM systems")
    group.addoption("--tetrad-base", metavar="REF", help="judge against the merge base with REF")
    group.addoption(
        "--tetrad-strict", action="store_true", help="every case that does not pass fails"
    )
    group.addoption("--tetrad-offline", action="store_true", help="fetch nothing")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RUNS] = {}
    config.stash[SESSION] = uuid4().hex
    config.pluginmanager.register(Exit(config), "tetrad-exit")
    config.stash[NOTES] = Notes(config)
    config.pluginmanager.register(config.stash[NOTES], "tetrad-notes")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Refuse a base that Git cannot give before anything starts, once for all workers."""
    base = config.getoption("--tetrad-base")
    if base is None or hasattr(config, "workerinput"):
        return None
    from tetrad.errors import GitError
    from tetrad.git import merge_base

    try:
        for root in _roots(config):
            merge_base(root, base)
    except GitError as error:
        sys.stderr.write(f"ERROR: --tetrad-base {base}: {error}\n")
        return int(error.exit_code)
    return None


def _roots(config: pytest.Config) -> Sequence[Path]:
    """The repositories that the arguments lie in; one that lies below them is found later."""
    from tetrad.errors import UsageError
    from tetrad.loading.root import find_root

    roots: dict[Path, None] = {}
    for argument in config.args:
        with suppress(UsageError):
            roots[find_root(config.invocation_params.dir / argument.partition("::")[0])] = None
    return tuple(roots)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Called by pytest-xdist where it starts a worker, one that replaces a dead one included.

    A name of our own, since `--testrunuid` may give many sessions the same.
    """
    node.workerinput[SESSION_INPUT] = node.config.stash[SESSION]


def pytest_report_collectionfinish(
    config: pytest.Config, items: Sequence[pytest.Item]
) -> Sequence[str]:
    """Why the first of them takes as long as all."""
    cases = sum(isinstance(item, CaseItem) for item in items)
    if cases < 2 or config.get_verbosity() < 0 or config.getoption("collectonly"):
        return ()
    return (f"tetrad: {cases} cases, run in one go with the first of them",)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A golden set is what the suite file beside it names; nothing else is read."""
    if not _may_be_golden(file_path):
        return None
    from tetrad.errors import UsageError

    try:
        run = _run(parent.config, file_path)
    except UsageError:
        # The suite.yaml is something else's: no folder above is a repository of ours.
        return None
    if run.problem is None and file_path not in run.golden_sets:
        return None
    return GoldenSetFile.from_parent(parent, path=file_path)


def _may_be_golden(path: Path) -> bool:
    if path.suffix not in {".yaml", ".yml", ".json", ".jsonl", ".csv"} or path.name in SUITE_FILES:
        return False
    return any((path.parent / name).exists() for name in SUITE_FILES)


class GoldenSetFile(pytest.File):
    """A golden set: its cases, and the gate of every suite that names it."""

    def collect(self) -> Iterator[pytest.Item]:
        from tetrad.pytest_plugin.run import labels_of

        run = _run(self.config, self.path)
        problem = run.problem_told_by(self.nodeid)
        if problem is not None:
            raise self.CollectError(problem)
        trials = run.golden_sets[self.path]
        labels = labels_of(trials)
        for trial in trials:
            suffix = labels[trial.key]
            for case in trial.suite.golden.cases:
                item = CaseItem.from_parent(self, name=f"{case.id}{suffix}")
                item.run, item.trial = run, trial.key
                item.case_id, item.line = case.id, case.location.line
                yield item
            gate = GateItem.from_parent(self, name=f"gate{suffix}")
            gate.run, gate.trial = run, trial.key
            yield gate


def _plainly(excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
    """The message without a traceback, told once.

    Where CI runs, pytest repeats the whole message of a failure in its summary; a failure's
    first line names it well enough there, and in the attribute of a JUnit report.
    """
    told = excinfo.getrepr(style="value")
    if told.reprcrash is not None:
        told.reprcrash.message = str(excinfo.value).partition("\n")[0]
    return told


class GoldenItem(pytest.Item):
    """What cases and gates have in common: the trial, and a failure told in plain words."""

    run: SessionRun
    trial: Key
    line: int = 1

    def executed(self) -> SessionRun:
        """The run, which the first item of the session executes for all that are selected."""
        if not self.run.is_executed:
            self.run.execute(self._selected(), asked_by=self.nodeid)
        if self.run.failure is not None:
            raise self.unexecuted(self.run.failure)
        return self.run

    def unexecuted(self, failure: Failure) -> BaseException:
        """What an item says where nothing was executed: one of them tells why."""
        if failure.told_by == self.nodeid:
            return self.unjudged(failure.reason, failure.exit_code)
        return self.skipped(f"not run, see {failure.told_by}")

    def skipped(self, reason: str) -> BaseException:
        """A skip whose reason holds for the whole golden set: pytest folds those of one line."""
        self.line = 1
        return pytest.skip.Exception(reason, _use_item_location=True)

    def unjudged(self, reason: str, exit_code: int) -> ItemFailed:
        """A failure that says nothing of the golden set, and the exit code that says so."""
        self.user_properties.append((PROPERTY, int(exit_code)))  # what xdist can send
        return ItemFailed(reason)

    def _selected(self) -> Mapping[Key, AbstractSet[str]]:
        """The ids of the cases of each trial that this session is about, of the same run."""
        cases: dict[Key, set[str]] = {}
        for item in self.session.items:
            if isinstance(item, GoldenItem) and item.run is self.run:
                ids = cases.setdefault(item.trial, set())
                if isinstance(item, CaseItem):
                    ids.add(item.case_id)
        return cases

    def reportinfo(self) -> tuple[Path, int, str]:
        golden, _, name = self.nodeid.rpartition("::")
        return self.path, self.line - 1, f"{name} in {golden}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from tetrad.errors import ExitCode, TetradError

        if isinstance(excinfo.value, TetradError):
            self.user_properties.append((PROPERTY, int(excinfo.value.exit_code)))
            return _plainly(excinfo)
        if isinstance(excinfo.value, ItemFailed):
            return _plainly(excinfo)
        # An expected failure passes here too, and its traceback would take a tenth of a second.
        if isinstance(excinfo.value, pytest.xfail.Exception):
            return str(excinfo.value)
        if isinstance(excinfo.value, Exception):  # a bug of ours, whose traceback pytest shows
            self.user_properties.append((PROPERTY, int(ExitCode.BUG)))
        return super().repr_failure(excinfo, style)


class CaseItem(GoldenItem):
    """One case of one suite on one stack."""

    case_id: str

    def runtest(self) -> None:
        from tetrad.errors import ExitCode

        verdict = self.executed().verdict(self.trial, self.case_id)
        place = f"{self.nodeid.rpartition('::')[0]}:{self.line}"
        match verdict.outcome:
            case "missing":
                raise self.unjudged(f"{verdict.reason}\n{place}", ExitCode.INCONCLUSIVE)
            case "failed":
                raise ItemFailed(f"{verdict.reason}\n{place}")
            case "expected":
                pytest.xfail(verdict.reason)
            case "unmoved":
                raise self.skipped(verdict.reason)


class GateItem(GoldenItem):
    """The decision on one suite; skipped where only a part of its cases was selected."""

    def runtest(self) -> None:
        from tetrad.errors import ExitCode

        gate = self.executed().gate(self.trial)
        if gate is None:
            raise self.skipped("only a part of the cases is selected, and a gate judges the whole")
        if gate.decision == "INCONCLUSIVE":
            raise self.unjudged(gate.reason, ExitCode.INCONCLUSIVE)
        if gate.decision == "FAILED":
            raise ItemFailed(gate.reason)

    def unexecuted(self, failure: Failure) -> BaseException:
        """A gate that could not decide never looks as if there had been none to pass."""
        if failure.told_by == self.nodeid:
            return super().unexecuted(failure)
        return self.unjudged(f"not run, see {failure.told_by}", failure.exit_code)


class Exit:
    """The exit code where nothing failed but what could not be judged, as that of `tetrad gate`."""

    def __init__(self, config: pytest.Config) -> None:
        self._rootpath = config.rootpath
        self._failures: set[int] = set()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            from tetrad.errors import ExitCode

            is_golden = _may_be_golden(self._rootpath / report.nodeid)
            self._failures.add(ExitCode.MISUSE if is_golden else ExitCode.REFUSED)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failures.add(cast("int", dict(report.user_properties).get(PROPERTY, 1)))

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.TESTS_FAILED and self._failures:
            # A test that failed, or a gate, is 1 and comes before misuse (2) and inconclusive (3).
            session.exitstatus = min(self._failures)


def _run(config: pytest.Config, path: Path) -> SessionRun:
    """The run of the repository that a file is in."""
    from tetrad.loading.root import find_root
    from tetrad.pytest_plugin.run import Options, SessionRun

    runs = config.stash[RUNS]
    root = find_root(path.parent)
    if root not in runs:
        options = Options(
            base=config.getoption("--tetrad-base"),
            strict=bool(config.getoption("--tetrad-strict")),
            offline=bool(config.getoption("--tetrad-offline")),
            session=getattr(config, "workerinput", {}).get(SESSION_INPUT),
        )
        runs[root] = SessionRun(root, options, config.stash[NOTES])
    return runs[root]
