"""What is scraped, alerts, dashboards and the OpenTelemetry collector."""

from __future__ import annotations

import pulumi

import tetrad
from components.applied import Target, apply
from desired import Alerts
from objects.observability import observability_objects


class Observability(pulumi.ComponentResource):
    """Rules and dashboards are those of `infra/observability/`."""

    def __init__(
        self,
        name: str,
        args: tetrad.Monitoring,
        alerts: Alerts,
        target: Target,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tetrad:serving:Observability", name, {}, opts)
        apply(observability_objects(args, alerts, target.place), self, target)
        self.register_outputs({})
