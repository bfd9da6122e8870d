"""What a change touches, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from tetrad.canonical import Digest
from tetrad.plan.infrastructure import EnvironmentPlan
from tetrad.results.gate_report import ComponentChange, CoverageChange, YardstickChange

Number = TypeVar("Number", int, float)
Why: TypeAlias = Literal["all", "new", "edited", "request", "passages", "settings", "tools"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseChange:
    """A case whose answer may differ, and why.

    `request`: its rendered request moved; `passages`: and so did what retrieval finds for it, from
    `before` to `after` (document ids, best first); `new` and `edited`: the golden set moved;
    `settings` and `tools`: what is done with the answer moved; `all`: the model moved, or there is
    nothing to compare with.
    """

    id: str
    why: Why
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """What calls take. `judge_calls` are among the calls, and their tokens and cost among the others.

    `output_tokens` is None where an answer may be of any length, `cost_usd` there too and where a
    model has no prices, `seconds` where nothing was ever timed.
    """

    calls: int = 0
    judge_calls: int = 0
    input_tokens: int = 0
    output_tokens: int | None = 0
    cost_usd: float | None = 0.0
    seconds: float | None = 0.0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            calls=self.calls + other.calls,
            judge_calls=self.judge_calls + other.judge_calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=_total(self.output_tokens, other.output_tokens),
            cost_usd=_total(self.cost_usd, other.cost_usd),
            seconds=_total(self.seconds, other.seconds),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a run will ask: `least` for certain, `most` with all that answers may lead to.

    Tokens are counted without what a server's chat template adds, and without a tokenizer at hand
    at most so many as the text has bytes and at least none; seconds are those of calls before. Both
    are about right, where the numbers of calls are bounds.
    """

    least: Amount = Amount()
    most: Amount = Amount()

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(least=self.least + other.least, most=self.most + other.most)


@dataclass(frozen=True, kw_only=True, slots=True)
class SuitePlan:
    """What of a suite will run; `removed` are the base's cases that are gone."""

    suite: str
    file: str
    golden: Digest
    cases_to_run: tuple[CaseChange, ...]
    unchanged: int
    removed: tuple[str, ...] = ()
    estimate: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class BasePlan:
    """A suite of the base that judges the candidate too, since the change moves the yardstick.

    `heads` are the candidate's suites that hold its cases now, `unfit` those of its cases that cannot
    be put to the candidate, `edited` those that the change asks otherwise. `binding`: the identity moved, so that its decision counts.
    """

    suite: str
    heads: tuple[str, ...]
    cases: int
    unfit: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    binding: bool = True
    estimate: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class StackPlan:
    """One stack before and after; `note` says why nothing runs, or why nothing is compared."""

    stack: str
    identity: Digest
    base_identity: Digest | None
    changed: tuple[str, ...]
    changes: tuple[ComponentChange, ...]
    suites: tuple[SuitePlan, ...]
    by_base: tuple[BasePlan, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    base: str | None
    head: str | None
    dirty: bool
    stacks: tuple[StackPlan, ...]
    coverage: tuple[CoverageChange, ...] = ()
    yardstick: tuple[YardstickChange, ...] = ()
    infrastructure: tuple[EnvironmentPlan, ...] = ()

    @property
    def estimate(self) -> Estimate:
        parts = [suite.estimate for stack in self.stacks for suite in stack.suites]
        parts += [suite.estimate for stack in self.stacks for suite in stack.by_base]
        return sum(parts, Estimate())


def _total(one: Number | None, other: Number | None) -> Number | None:
    return None if one is None or other is None else one + other
