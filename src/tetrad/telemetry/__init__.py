"""What operators see of a gateway: metrics that Prometheus reads, and spans that OTLP takes away.

Names and types follow OpenTelemetry's conventions for generative AI where these have one. The
gateway imports this; OpenTelemetry and prometheus-client come with its extra.
"""

from tetrad.telemetry.served import Outcome, Served, served_by

__all__ = ["Outcome", "Served", "served_by"]
