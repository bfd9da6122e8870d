"""Golden sets: cases and their assertions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

from tetrad.canonical import Digest, Json
from tetrad.errors import Location

if TYPE_CHECKING:
    from tetrad.modules import OpenedFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Assertion:
    """One check on one output. `type` has no `not-` prefix; `negated` says whether it had."""

    type: str
    negated: bool = False
    value: Json = None
    threshold: float | None = None
    weight: float = 1.0
    metric: str | None = None  # None: the suite's first metric
    transform: str | None = None
    judge: str | None = None  # a name in the suite's `judges`
    config: Mapping[str, Json] = field(default_factory=dict)  # further keys of the assertion
    source: Digest | None = None  # of the code of value and transform that stands in other files
    location: Location = field(compare=False)

    @property
    def written(self) -> str:
        """The type as a file writes it."""
        return f"not-{self.type}" if self.negated else self.type


@dataclass(frozen=True, kw_only=True, slots=True)
class AssertionSet:
    """Assertions that pass together: all of them, or their weighted mean at `threshold`."""

    assertions: tuple[Assertion, ...]
    threshold: float | None = None
    weight: float = 1.0
    metric: str | None = None
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedCall:
    """What a tool answers in a case; `arguments` None answers any call of the tool."""

    tool: str
    arguments: Mapping[str, Json] | None = None
    result: Json = None
    error: str | None = None
    location: Location = field(default=Location(""), compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What was said in a conversation before the user's last message."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One request, and what is expected of its answer."""

    id: str
    derived: bool = False  # whether the id was made from the description or the vars
    vars: Mapping[str, Json]
    turns: tuple[Turn, ...] = ()  # of the conversation before
    assertions: tuple[Assertion | AssertionSet, ...] = ()
    threshold: float | None = None  # of the weighted mean; None: every assertion must pass
    tags: tuple[str, ...] = ()
    group: str | None = None
    repeats: int = 1
    tools: tuple[RecordedCall, ...] = ()
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transform: str | None = None
    description: str = ""
    metadata: Mapping[str, Json] = field(default_factory=dict)
    source: Digest | None = None  # of the code of transform, which stands in other files
    location: Location = field(compare=False)


def assertions_of(case: Case) -> Iterator[Assertion]:
    """The case's assertions, those in sets included."""
    for assertion in case.assertions:
        if isinstance(assertion, AssertionSet):
            yield from assertion.assertions
        else:
            yield assertion


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldenSet:
    """Frozen cases; `digest` is over what they ask and assert, not over the file's bytes."""

    path: str
    files: tuple[str, ...] = field(default=(), compare=False)  # further ones that it names
    # The files that each piece of Python code runs, by its own file or its text.
    code: Mapping[str, Mapping[str, Digest]] = field(default_factory=dict, compare=False)
    opens: tuple[OpenedFile, ...] = field(default=(), compare=False)  # by any of its code
    cases: tuple[Case, ...]
    digest: Digest
    is_whole: bool = field(default=True, compare=False)  # whether `cases` are what the digest is of

    def with_cases(self, cases: Iterable[Case]) -> Self:
        """The golden set with some of its cases, or as they are put elsewhere; its digest stays."""
        others = tuple(cases)
        return replace(self, cases=others, is_whole=self.is_whole and others == self.cases)
