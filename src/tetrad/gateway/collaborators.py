"""What the endpoints are made of."""

from __future__ import annotations

from dataclasses import dataclass

from tetrad.gateway.following import Following
from tetrad.gateway.recent_answers import RecentAnswers
from tetrad.telemetry.metrics import Metrics
from tetrad.telemetry.spans import Tracing


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """The collaborators of one gateway; `serve` and tests put them together."""

    following: Following
    metrics: Metrics
    recent: RecentAnswers
    tracing: Tracing | None = None  # None: no spans are made
