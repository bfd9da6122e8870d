"""What a run found: samples, case outcomes and suite runs, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tetrad.canonical import Digest
from tetrad.results.exchange import Usage
from tetrad.results.trace import Guarded, Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class AssertionResult:
    """One assertion on one output: `type` as written (with its `not-`), `score` in [0, 1]."""

    type: str
    metric: str
    passed: bool
    score: float
    weight: float = 1.0
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One execution of one case.

    `error` is set where the engine, a tool or a judge failed: then `metrics` is empty, and the
    case counts as a missing result, never as a failing one.
    """

    output: str
    error: str | None = None
    passed: bool = False
    metrics: Mapping[str, float]
    assertions: tuple[AssertionResult, ...] = ()
    usage: Usage = Usage()
    cost_usd: float | None = None  # None: the model has no prices
    latency_s: float | None = None  # of the original, uncached call
    breaches: tuple[Guarded, ...] = ()  # of the prompt's output contract
    trace: Trace | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseOutcome:
    """A case's samples on one identity, one for each repeat."""

    id: str
    group: str | None = None
    tags: tuple[str, ...] = ()
    line: int = 1  # in the golden set's file
    samples: tuple[Sample, ...]

    @property
    def missing(self) -> bool:
        return not self.samples or any(s.error is not None for s in self.samples)

    @property
    def passed(self) -> bool:
        """Passed in every repeat."""
        return not self.missing and all(s.passed for s in self.samples)

    @property
    def flaky(self) -> bool:
        """Passed in some repeats and failed in others."""
        return not self.missing and len({s.passed for s in self.samples}) > 1

    @property
    def metrics(self) -> Mapping[str, float]:
        """Mean of the repeats for each metric that the case has."""
        if self.missing:
            return {}
        names = {name: None for s in self.samples for name in s.metrics}
        scores = {n: [s.metrics[n] for s in self.samples if n in s.metrics] for n in names}
        return {name: sum(values) / len(values) for name, values in scores.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteRun:
    """The outcomes of one suite on one identity, in the golden set's order."""

    suite: str  # reference
    stack: str  # reference
    identity: Digest
    golden: Digest
    # asyncio.run writes out its result for nobody (it looks a handler up by an enum, whose failure
    # names the task): seconds for a large run.
    cases: tuple[CaseOutcome, ...] = field(repr=False)
    unfit: frozenset[str] = frozenset()  # cases that cannot be put to the identity


@dataclass(frozen=True, kw_only=True, slots=True)
class Calls:
    """Engine requests of a run: `made` reached an engine, `cached` were kept from earlier ones,
    `skipped` were never needed because nothing moved.
    """

    made: int = 0
    cached: int = 0
    skipped: int = 0

    def __add__(self, other: Calls) -> Calls:
        return Calls(
            made=self.made + other.made,
            cached=self.cached + other.cached,
            skipped=self.skipped + other.skipped,
        )
