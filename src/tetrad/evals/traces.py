"""Which traces a run keeps for its report, so that the memory it takes is bounded."""

from __future__ import annotations

import heapq

from tetrad.results.trace import Trace


class Traces:
    """The traces that are kept: of the samples that did not pass first, then of the others, each in
    the golden set's order, so that two executions keep the same ones.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._kept: dict[tuple[int, ...], Trace] = {}
        self._worst: list[tuple[int, ...]] = []  # a heap of negated keys

    def offer(self, key: tuple[int, ...], trace: Trace) -> None:
        if self._cap == 0:
            return
        negated = tuple(-part for part in key)
        if len(self._worst) < self._cap:
            heapq.heappush(self._worst, negated)
        else:
            out = heapq.heappushpop(self._worst, negated)
            if out == negated:
                return
            del self._kept[tuple(-part for part in out)]
        self._kept[key] = trace

    def get(self, key: tuple[int, ...]) -> Trace | None:
        return self._kept.get(key)
