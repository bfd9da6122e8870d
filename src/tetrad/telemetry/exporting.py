"""Where spans go, by OpenTelemetry's own variables: OTLP over HTTP, in batches, from a thread.

Tracing is on where `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` names a
collector, or `OTEL_TRACES_EXPORTER` is `otlp`. What these do not say (headers, timeouts, sampler,
batches, resource attributes), the SDK reads from its variables itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tetrad.errors import UsageError
from tetrad.telemetry import conventions as names

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from tetrad.telemetry.spans import Clock, Tracing

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def is_on(variables: Mapping[str, str]) -> bool:
    """Whether the variables ask for spans; UsageError for what they ask and we do not have."""
    if variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = variables.get("OTEL_TRACES_EXPORTER", "").strip()
    if exporter not in {"", "otlp", "none"}:
        raise UsageError(
            f"OTEL_TRACES_EXPORTER: {exporter!r} is not supported\n  help: otlp or none"
        )
    named = any(variables.get(name) for name in _ENDPOINTS)
    if exporter == "none" or not (named or exporter):
        return False
    protocol = next(filter(None, (variables.get(name) for name in _PROTOCOLS)), "http/protobuf")
    if protocol != "http/protobuf":
        raise UsageError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL: {protocol!r} is not supported\n  help: http/protobuf"
        )
    return True


def tracing_from(
    variables: Mapping[str, str],
    *,
    environment: str,
    release: str,
    instance: str,
    clock: Clock = time.time_ns,
) -> Tracing | None:
    """What makes spans as this process's variables ask; None where they ask for none."""
    if not is_on(variables):
        return None
    # OpenTelemetry is most of what a gateway would load, so that one without spans does not.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from tetrad.telemetry import content
    from tetrad.telemetry.given_traces import GivenTraces
    from tetrad.telemetry.spans import Tracing

    provider = TracerProvider(
        resource=_resource(variables, environment=environment, release=release, instance=instance),
        id_generator=GivenTraces(),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    with_content = content.is_asked_for(variables)
    return Tracing(provider, release=release, with_content=with_content, clock=clock)


def _resource(
    variables: Mapping[str, str], *, environment: str, release: str, instance: str
) -> Resource:
    from opentelemetry.sdk.resources import Resource

    own = {
        names.ENVIRONMENT_NAME: environment,
        names.SERVICE_VERSION: release,
        names.SERVICE_INSTANCE: instance,
    }
    if not variables.get("OTEL_SERVICE_NAME"):
        own[names.SERVICE_NAME] = "tetrad-gateway"
    return Resource.create({key: value for key, value in own.items() if value})
