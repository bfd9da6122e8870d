"""What gateways say of themselves: which pointer they follow, and what they counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

# Of the buckets that gateways count latencies in; beyond the last one there is `inf`.
BOUNDS_MS = (5, 10, 20, 50, 100, 200, 350, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500,
             10_000, 15_000, 30_000, 60_000)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What a gateway counted of one identity since it started; a later figure is never lower."""

    requests: int = 0
    errors: int = 0
    contract: int = 0  # answers that broke the output contract
    guarded: int = 0  # requests and answers that a guardrail stopped
    usd: float = 0.0  # by the prices of the model
    # requests by the upper bound of their bucket, each in one bucket alone; empty ones may be left out
    latency_ms: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Figures) -> Figures:
        """What both counted."""
        bounds = {*self.latency_ms, *other.latency_ms}
        return Figures(
            requests=self.requests + other.requests,
            errors=self.errors + other.errors,
            contract=self.contract + other.contract,
            guarded=self.guarded + other.guarded,
            usd=self.usd + other.usd,
            latency_ms={b: self.latency_ms.get(b, 0) + other.latency_ms.get(b, 0) for b in bounds},
        )

    def quantile_ms(self, share: float) -> float:
        """A quantile of the latencies: requests are taken for evenly spread over their bucket, as
        Prometheus does. Infinite beyond the last bound, 0 of no requests.
        """
        wanted, below, lower = share * sum(self.latency_ms.values()), 0, 0
        for bound in BOUNDS_MS:
            count = self.latency_ms.get(str(bound), 0)
            if count and below + count >= wanted:
                return lower + (bound - lower) * (wanted - below) / count
            below, lower = below + count, bound
        return float("inf") if wanted else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayState:
    """What a gateway says of itself, every second and at once when it follows another pointer."""

    gateway: str  # unique per process
    environment: str
    address: str
    release: str  # of Tetrad
    started: datetime
    seen: datetime  # by the database's clock, whatever is reported
    number: int  # of the pointer that it follows: every request that starts is answered by it
    ready: bool
    problem: str = ""  # why it is not ready, or cannot follow a newer pointer
    # why identities cannot be loaded here until somebody acts, by `tetrad:…`
    unloadable: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Figures] = field(default_factory=dict)  # by `tetrad:…`
