"""What the endpoints are made of."""

from __future__ import annotations

from dataclasses import dataclass

from tetrad.gateway.following import Following
from tetrad.telemetry.metrics import Metrics


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """The collaborators of one gateway; `serve` and tests put them together."""

    following: Following
    metrics: Metrics
