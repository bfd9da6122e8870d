"""What was counted of an identity's answers since this process started."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from tetrad.pointer import BOUNDS_MS, Figures
from tetrad.results.trace import Guarded, Trace


@dataclass(slots=True)
class Counted:
    """Answers, and requests that were not answered for a reason that is not their own."""

    requests: int = 0
    errors: int = 0
    contract: int = 0
    guarded: int = 0
    _latency: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))

    def answered(self, trace: Trace, seconds: float) -> None:
        self.requests += 1
        self._latency[bisect_left(BOUNDS_MS, seconds * 1_000)] += 1
        self.contract += bool(trace.breaches)
        guards = [step for step in trace.steps if isinstance(step, Guarded)]
        self.guarded += len(guards) > len(trace.breaches)

    def failed(self, seconds: float) -> None:
        self.requests += 1
        self.errors += 1
        self._latency[bisect_left(BOUNDS_MS, seconds * 1_000)] += 1

    def figures(self) -> Figures:
        bounds = [*map(str, BOUNDS_MS), "inf"]
        return Figures(
            requests=self.requests,
            errors=self.errors,
            contract=self.contract,
            guarded=self.guarded,
            latency_ms={
                bound: count for bound, count in zip(bounds, self._latency, strict=True) if count
            },
        )
