"""What gateways counted of an identity since a step began, held against the limits of its plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tetrad.canonical import Digest
from tetrad.identity import written_identity
from tetrad.model.serving import AbortLimits
from tetrad.pointer import Figures, GatewayState


@dataclass(frozen=True, kw_only=True, slots=True)
class Breach:
    """A limit that was exceeded."""

    limit: str
    value: float
    allowed: float
    requests: int

    def __str__(self) -> str:
        return (
            f"{self.limit} is {self.value:.4g}, the limit {self.allowed:.4g}"
            f" ({self.requests} requests)"
        )


@dataclass(slots=True)
class Measure:
    """Sums the figures of gateways, whose counters begin at nothing whenever one starts."""

    identity: Digest
    _baseline: dict[str, Figures] = field(default_factory=dict)  # by gateway
    _latest: dict[str, Figures] = field(default_factory=dict)

    def begin(self, gateways: Sequence[GatewayState]) -> None:
        """Count from here on."""
        self._latest = {}
        self._baseline = dict(self._of(gateways))

    def look(self, gateways: Sequence[GatewayState]) -> Figures:
        """What was counted since; of a gateway that went away, what it said last."""
        self._latest.update(self._of(gateways))
        latency: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        for gateway, figures in self._latest.items():
            before = self._baseline.get(gateway, Figures())
            for name in ("requests", "errors", "contract", "guarded"):
                counts[name] += getattr(figures, name) - getattr(before, name)
            for bound, count in figures.latency_ms.items():
                latency[bound] += count - before.latency_ms.get(bound, 0)
        return Figures(latency_ms=dict(latency), **counts)

    def _of(self, gateways: Sequence[GatewayState]) -> Iterator[tuple[str, Figures]]:
        for gateway in gateways:
            yield gateway.gateway, gateway.figures.get(written_identity(self.identity), Figures())


def breaches(figures: Figures, limits: AbortLimits) -> Iterator[Breach]:
    """The limits that figures exceed; none of no requests."""
    if not figures.requests:
        return
    measured = {
        "error_rate": figures.errors / figures.requests,
        "p95_ms": figures.quantile_ms(0.95),
        "contract_rate": figures.contract / figures.requests,
        "guardrail_rate": figures.guarded / figures.requests,
    }
    for limit, value in measured.items():
        allowed = getattr(limits, limit)
        if allowed is not None and value > allowed:
            yield Breach(limit=limit, value=value, allowed=allowed, requests=figures.requests)
