"""What a change touches, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tetrad.canonical import Digest
from tetrad.results.report import ComponentChange

Why: TypeAlias = Literal["all", "new", "edited", "request", "passages"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseChange:
    """A case whose answer may differ, and why.

    `request`: its rendered request moved; `passages`: and so did what retrieval finds for it, from
    `before` to `after` (document ids, best first); `new` and `edited`: the golden set moved; `all`:
    the model moved, or there is nothing to compare with.
    """

    id: str
    why: Why
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """An upper bound on what a run will ask: tokens by counting, answers at their `max_tokens`.

    `cost_usd` is None where a model has no prices, `seconds` where nothing was ever timed.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float | None = 0.0

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=_total(self.cost_usd, other.cost_usd),
            seconds=_total(self.seconds, other.seconds),
        )


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
class StackPlan:
    """One stack before and after; `note` says why nothing runs, or why nothing is compared."""

    stack: str
    identity: Digest
    base_identity: Digest | None
    changed: tuple[str, ...]
    changes: tuple[ComponentChange, ...]
    suites: tuple[SuitePlan, ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    base: str | None
    head: str | None
    dirty: bool
    stacks: tuple[StackPlan, ...]

    @property
    def estimate(self) -> Estimate:
        return sum((s.estimate for stack in self.stacks for s in stack.suites), Estimate())


def _total(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
