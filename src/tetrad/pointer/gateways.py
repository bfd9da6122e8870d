"""What gateways say of themselves: which pointer they follow, and what they counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What a gateway counted of one identity since it started; a later figure is never lower."""

    requests: int = 0
    errors: int = 0
    contract: int = 0  # answers that broke the output contract
    guarded: int = 0  # requests and answers that a guardrail stopped
    usd: float = 0.0  # by the prices of the model
    # requests by the upper bound of their bucket (`inf` for the last), each in one bucket alone
    latency_ms: Mapping[str, int] = field(default_factory=dict)


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
    figures: Mapping[str, Figures] = field(default_factory=dict)  # by `tetrad:…`
