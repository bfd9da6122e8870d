"""What can go wrong that a user can fix, and the exit code of each.

Anything that is not a `TetradError` is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

# Problems alike, in one file, that are told in full.
SHOWN_ALIKE = 3


class ExitCode(IntEnum):
    """The exit codes of every command; they never blur into each other."""

    PASSED = 0
    REFUSED = 1  # findings, a failed gate, drift
    MISUSE = 2  # bad flags, or a file that does not load
    INCONCLUSIVE = 3  # an engine or a service failed: nothing can be said
    BUG = 4  # ours: the traceback is kept and can be sent
    INTERRUPTED = 130  # by Ctrl-C or SIGTERM, as shells count the first: 128 and the signal


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file of the repository; line and column count from 1."""

    file: str  # POSIX path from the repository's root
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        file = "⏎".join(self.file.splitlines())  # a name with a line break would forge a line
        return f"{file}:{self.line}:{self.column}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """One problem of one file: where, what, and how to fix it."""

    location: Location
    message: str
    code: str = "SCH104"  # the lint rule that reports it
    path: str = "$"  # JSON path of the node
    hint: str = ""
    # "judge": the file loads, and a case of it cannot be asked or judged; "nothing": a warning
    blocks: Literal["load", "judge", "nothing"] = "load"

    def __str__(self) -> str:
        where = f"{self.location}: error[{self.code}]: "
        subject = "" if self.path == "$" else f"{self.path}: "
        help_line = f"\n  help: {self.hint}" if self.hint else ""
        return f"{where}{subject}{self.message}{help_line}"


class TetradError(Exception):
    """Something the user can fix; its text says what and how."""

    exit_code = ExitCode.MISUSE


class SpecError(TetradError):
    """Files that do not load, with every problem of every file."""

    def __init__(self, issues: Iterable[Issue]) -> None:
        self.issues = tuple(sorted(issues, key=lambda issue: (issue.location, issue.path)))
        super().__init__("\n".join(_told(self.issues)))


def _told(issues: Sequence[Issue]) -> Iterator[str]:
    """Every problem, but of those alike in one file three: a renamed variable can be missed by all
    examples of a prompt.
    """
    alike = Counter(map(_sort, issues))
    seen: Counter[tuple[str, ...]] = Counter()
    for issue in issues:
        seen[_sort(issue)] += 1
        more = alike[_sort(issue)] - SHOWN_ALIKE
        if seen[_sort(issue)] <= SHOWN_ALIKE:
            yield str(issue)
        if seen[_sort(issue)] == SHOWN_ALIKE and more > 0:
            yield f"  and {more} more like this one in {issue.location.file}"


def _sort(issue: Issue) -> tuple[str, ...]:
    """What issues have in common that differ by their place alone."""
    return issue.location.file, issue.code, issue.message, issue.hint


class UsageError(TetradError):
    """A command was asked for something that it cannot do."""


class BadRequest(UsageError):
    """Variables that a prompt does not take; a service answers 400."""


class MissingExtra(TetradError):
    """An optional dependency is needed and not installed."""

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs an extra\n  help: pip install 'tetrad[{extra}]'")


class GitError(TetradError):
    """Git could not give the tree that was asked for."""


class BaseUnusable(TetradError):
    """The base that was asked for does not load or cannot answer: nothing compares with it."""

    exit_code = ExitCode.INCONCLUSIVE

    def __init__(self, commit: str | None, error: TetradError) -> None:
        told = str(error).replace("\n", "\n  ")
        super().__init__(
            f"cannot load the base {(commit or '')[:12]}:\n  {told}\n"
            "  help: name a base that loads, or none, to judge this tree alone"
        )


class ArtifactError(TetradError):
    """A pinned file is missing, differs from its digest, or cannot be fetched offline."""


class FetchFailed(TetradError):
    """A source did not deliver; another try may succeed."""

    exit_code = ExitCode.INCONCLUSIVE


class EngineUnavailable(TetradError):
    """An engine did not answer, so nothing can be said of the case; it was sent `requests`."""

    exit_code = ExitCode.INCONCLUSIVE

    def __init__(self, message: str, *, requests: int = 1) -> None:
        super().__init__(message)
        self.requests = requests


class EngineRejected(EngineUnavailable):
    """An engine that answers others did not take this one request."""


class EngineRefused(TetradError):
    """An engine that answers nothing until a key, an account or a name is fixed: the run ends."""

    def __init__(self, message: str, *, requests: int = 1) -> None:
        super().__init__(message)
        self.requests = requests


class StoreUnavailable(TetradError):
    """The vector store did not answer, so nothing was retrieved; another try may succeed."""

    exit_code = ExitCode.INCONCLUSIVE


class IndexMissing(StoreUnavailable):
    """The vector store has no index of a corpus, and who asks may not build it."""


class ToolFailed(TetradError):
    """A tool refused its arguments, broke its contract or ran out of its limits."""

    exit_code = ExitCode.INCONCLUSIVE


class JudgeFailed(TetradError):
    """An assertion could not be decided, so nothing can be said of the case; `final` where a judge
    gave a verdict that is none, which no earlier words of it replace.
    """

    exit_code = ExitCode.INCONCLUSIVE

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


class PointerMoved(TetradError):
    """Somebody else changed what an environment serves first: nothing was written."""

    exit_code = ExitCode.INCONCLUSIVE

    def __init__(self, environment: str, why: str) -> None:
        super().__init__(
            f"{environment}: {why}\n"
            f"  help: `tetrad status {environment}` shows what serves now; run the command again"
        )


class DeploymentRefused(TetradError):
    """What may not serve an environment, and why; nothing was written."""

    exit_code = ExitCode.REFUSED


class NotAcknowledged(TetradError):
    """Gateways that do not follow the pointer that was written."""

    exit_code = ExitCode.INCONCLUSIVE


class NotLoaded(NotAcknowledged):
    """The same because no gateway loads an identity; `why`, by the stacks of those."""

    def __init__(self, message: str, why: Mapping[str, str]) -> None:
        super().__init__(message)
        self.why = why


class DatabaseError(TetradError):
    """Kept answers or the registry cannot be read or written; another try may succeed."""

    exit_code = ExitCode.INCONCLUSIVE


class DatabaseUnusable(DatabaseError):
    """The same until the user acts: the file is damaged, not ours, or may not be written."""

    exit_code = ExitCode.MISUSE


class ClusterError(TetradError):
    """A cluster's API server cannot be reached, or refuses; nothing is known of a change's effect."""

    exit_code = ExitCode.INCONCLUSIVE


class KubeconfigUnusable(ClusterError):
    """A kubeconfig does not say how to reach a cluster: nothing is asked until the user acts."""

    exit_code = ExitCode.MISUSE


class NotApplied(TetradError):
    """What an environment needs in Kubernetes is not there or not ready; who applies it has said why."""

    def __init__(self, exit_code: ExitCode) -> None:
        super().__init__("nothing was deployed")
        self.exit_code = exit_code


class ClusterConflict(ClusterError):
    """Somebody else changed an object first: nothing was written."""
