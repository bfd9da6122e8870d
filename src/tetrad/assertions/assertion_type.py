"""What a type of assertion is: all that loading, lint, planning and grading know of it.

A type, or a family of types that differ in one parameter, is a file in `types`, and a line a type
in `table`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from tetrad.assertions.score import Score
from tetrad.canonical import Json

if TYPE_CHECKING:
    from tetrad.assertions.answered import Answered, Services
    from tetrad.model import Assertion, Case, Stack

# The value, with variables filled in where it has any, as an argument beside the assertion.
ValueProblem: TypeAlias = "Callable[[Json, Assertion], str | None]"
# What a stack lacks for a case; the names of the suite's judges are the last argument.
Lack: TypeAlias = "Callable[[Case, Stack, Collection[str]], str | None]"
Why: TypeAlias = "Callable[[Assertion], str | None]"
Grade: TypeAlias = "Callable[[Json, Assertion, Answered], Score]"
GradeAsking: TypeAlias = "Callable[[Json, Assertion, Answered, Services], Awaitable[Score]]"

Service: TypeAlias = Literal["judge", "embedder", "code"]


def nothing_wrong(*_: object) -> None:
    """The check of a type that has none."""


def met_by_all(assertion: Assertion) -> str | None:
    """Why every score reaches the threshold that it must reach at least."""
    is_met = assertion.threshold is not None and assertion.threshold <= 0
    return "its threshold is 0" if is_met else None


def out_of_reach(assertion: Assertion) -> str | None:
    """Why no score reaches the threshold that it must reach at least."""
    is_over = assertion.threshold is not None and assertion.threshold > 1
    return "its threshold is over 1, and no score is" if is_over else None


class Literally(NamedTuple):
    """How a text as the value is looked for, so that cases can be held against each other."""

    is_met: Callable[[str, str], bool]  # by the text that is wanted and an answer
    is_whole: bool = False  # by that answer alone


class Cell(NamedTuple):
    """How promptfoo reads the short form `type(threshold): value` in a cell of CSV."""

    is_list: bool = False
    threshold: float | None = None  # where the cell gives none; None: it stays without one


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AssertionType:
    """A type by its name, without `not-`, which grading applies to all."""

    name: str
    # The row of the reference page: `value` takes …, it passes if …, the default threshold.
    value: str = ""
    passes_if: str
    threshold: str = ""
    problem: ValueProblem = nothing_wrong  # why nothing can be graded by a value
    lack: Lack = nothing_wrong
    # Why every answer passes, and why none can; neither is asked of `not-`.
    cannot_fail: Why = nothing_wrong
    cannot_pass: Why = nothing_wrong
    compares_text: bool = False  # the value's text, however a number in it is written
    literally: Literally | None = None
    measures: Literal["latency", "cost"] | None = None
    cell: Cell = Cell()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PureAssertion(AssertionType):
    """Arithmetic on the answer."""

    grade: Grade
    library: str = ""  # of the extra `metrics` that it needs


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ServiceAssertion(AssertionType):
    """Asks a model, or runs a process."""

    grade: GradeAsking
    service: Service
    negates: bool = False  # `grade` itself does what `not-` asks
    question: Mapping[str, Json] | None = None  # what a judge is asked, for the suite's digest
