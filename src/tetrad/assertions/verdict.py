"""What an assertion looks at and what it says; the shapes that every family of them shares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeAlias

from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.results.exchange import Message
from tetrad.results.trace import Called, Passage


class Verdict(NamedTuple):
    """`score` is in [0, 1]; `reason` says what was found, whether that is a pass or a fail.

    `named` holds further scores by metric, which measure and decide nothing.
    """

    passed: bool
    score: float
    reason: str
    named: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What a stack answered, as assertions see it.

    `text` is after the transforms; `untransformed` is the answer where a transform made another.
    `made` is what it made where that is no text.
    """

    text: str
    made: Json = None
    untransformed: str | None = None
    vars: Mapping[str, Json]
    query: str = ""  # what retrieval was asked, or the last message
    messages: tuple[Message, ...] = ()  # of the first request
    description: str = ""  # of the case, as its metadata
    metadata: Mapping[str, Json] = field(default_factory=dict)
    passages: tuple[Passage, ...] = ()
    called: tuple[Called, ...] = ()
    latency_s: float | None = None
    cost_usd: float | None = None

    @property
    def output(self) -> Json:
        """What code and further transforms are given."""
        return self.text if self.made is None else self.made


class PythonRaised(Exception):
    """Code of a golden set raised; the text is its own."""


class Services(Protocol):
    """What assertions need that are not arithmetic: vectors, a model's opinion, a process."""

    async def similarities(self, text: str, others: tuple[str, ...]) -> tuple[float, ...]:
        """Cosine of a text's embedding with each other's."""

    async def ask_judge(
        self,
        name: str | None,
        question: Mapping[str, str],
        schema: Mapping[str, Json],
        read: Callable[[Mapping[str, Json]], Verdict],
    ) -> Verdict:
        """What `read` makes of a judge's answer, an object of the schema; it raises JudgeFailed for
        one that decides nothing, and so does this where the judge gives no other.
        """

    async def run_python(self, code: str, function: str, *arguments: Json) -> Json:
        """What a function of the code returned; PythonRaised where it raised."""


# A rendered value in, a verdict out.
Evaluate: TypeAlias = Callable[[Json, Assertion, Answered], Verdict]
EvaluateAsking: TypeAlias = Callable[[Json, Assertion, Answered, Services], Awaitable[Verdict]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """An assertion type that is arithmetic on the answer."""

    evaluate: Evaluate
    library: str = ""  # of the extra `metrics` that it needs


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """An assertion type that asks a model or runs a process."""

    evaluate: EvaluateAsking
    negates: bool = False  # `evaluate` itself does what `not-` asks


AssertionType: TypeAlias = Decided | Asked


def reaches(score: float, least: float) -> bool:
    """Whether the score is at least that; what binary makes of an exact share fails nothing."""
    return score >= least - 1e-9


def binary(passed: bool, reason: str) -> Verdict:
    return Verdict(passed, 1.0 if passed else 0.0, reason)


def negated(verdict: Verdict) -> Verdict:
    """What `not-` makes of a verdict: the other decision, and what is left of the score."""
    return verdict._replace(passed=not verdict.passed, score=1.0 - verdict.score)
