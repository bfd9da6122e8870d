"""What the endpoints are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tetrad.gateway.following import Following
from tetrad.gateway.limiting.callers import Callers
from tetrad.gateway.limiting.kept_responses import KeptResponses
from tetrad.gateway.limiting.limiter import Limiter
from tetrad.gateway.proposals import Proposals
from tetrad.gateway.recent_answers import RecentAnswers
from tetrad.telemetry.metrics import Metrics

if TYPE_CHECKING:
    # OpenTelemetry is loaded where spans are asked for, and not before.
    from tetrad.telemetry.spans import Tracing


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """The collaborators of one gateway; `serve` and tests put them together."""

    following: Following
    metrics: Metrics
    recent: RecentAnswers
    limiter: Limiter
    callers: Callers = field(default_factory=Callers)
    responses: KeptResponses = field(default_factory=KeptResponses)
    proposals: Proposals = field(default_factory=Proposals)
    tracing: Tracing | None = None  # None: no spans are made
