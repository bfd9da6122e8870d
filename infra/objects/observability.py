"""The objects that observe: what is scraped, alerts, dashboards, the OpenTelemetry collector."""

from __future__ import annotations

import json
from collections.abc import Iterator

import tetrad
from desired import Alerts
from objects.kubernetes import (
    DNS,
    HTTP,
    Object,
    Place,
    allowed_traffic,
    container_security,
    from_namespaces,
    from_pods,
    named_by_content,
    pod_basics,
    selected,
    service,
    tcp,
)

COMPONENT = "observability"
COLLECTOR = "collector"
_OTLP = {"otlp-grpc": 4317, "otlp-http": 4318}
_TRACE_PORTS = (443, 4317)


def observability_objects(
    monitoring: tetrad.Monitoring, alerts: Alerts, place: Place
) -> list[Object]:
    found = [_pod_monitor(component, place) for component in ("gateway", "model-server")]
    if alerts.groups:
        found.append(_rules(alerts, place))
    found += [_dashboard(name, text, place) for name, text in sorted(alerts.dashboards.items())]
    if monitoring.collector is not None:
        found += _collector(monitoring, monitoring.collector, place)
    return found


def _pod_monitor(component: str, place: Place) -> Object:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": place.metadata(component, COMPONENT),
        "spec": {
            "selector": {"matchLabels": selected(component)},
            "podMetricsEndpoints": [{"port": HTTP, "path": "/metrics", "interval": "15s"}],
        },
    }


def _rules(alerts: Alerts, place: Place) -> Object:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": place.metadata("tetrad", COMPONENT),
        "spec": {"groups": [dict(group) for group in alerts.groups]},
    }


def _dashboard(name: str, text: str, place: Place) -> Object:
    """Grafana's sidecar takes up what has the label."""
    metadata = place.metadata(f"grafana-{name}", COMPONENT)
    metadata["labels"]["grafana_dashboard"] = "1"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {f"{name}.json": text},
    }


def _collector(monitoring: tetrad.Monitoring, image: str, place: Place) -> Iterator[Object]:
    config = json.dumps(_collector_config(monitoring), indent=2, sort_keys=True) + "\n"
    held = named_by_content("collector", config)
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": place.metadata(held, COLLECTOR),
        "immutable": True,
        "data": {"config.yaml": config},
    }
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": place.metadata(COLLECTOR, COLLECTOR),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": selected(COLLECTOR)},
            "template": {
                "metadata": {"labels": place.labels(COLLECTOR)},
                "spec": _collector_pod(image, held),
            },
        },
    }
    yield service(place, COLLECTOR, COLLECTOR, selected(COLLECTOR), _OTLP)
    yield allowed_traffic(
        place,
        COLLECTOR,
        ingress=[
            {"from": from_pods(["gateway"]), "ports": tcp(list(_OTLP))},
            {"from": from_namespaces([monitoring.namespace])},
        ],
        egress=[DNS, {"ports": tcp(_TRACE_PORTS)}],
    )


def _collector_pod(image: str, config: str) -> Object:
    health = {"httpGet": {"path": "/", "port": 13133}, "periodSeconds": 10}
    return {
        **pod_basics(),
        "containers": [
            {
                "name": COLLECTOR,
                "image": image,
                "args": ["--config=/etc/collector/config.yaml"],
                "ports": [
                    {"name": name, "containerPort": port, "protocol": "TCP"}
                    for name, port in _OTLP.items()
                ],
                "resources": {
                    "requests": {"cpu": "100m", "memory": "256Mi"},
                    "limits": {"memory": "512Mi"},
                },
                "readinessProbe": health,
                "livenessProbe": health,
                "securityContext": container_security(),
                "volumeMounts": [
                    {"name": "config", "mountPath": "/etc/collector", "readOnly": True}
                ],
            }
        ],
        "volumes": [{"name": "config", "configMap": {"name": config}}],
    }


def _collector_config(monitoring: tetrad.Monitoring) -> Object:
    """JSON, which is YAML. Traces alone: metrics are scraped from the pods."""
    exporters: Object = {"debug": {}}
    if monitoring.traces is not None:
        exporters = {"otlp": {"endpoint": monitoring.traces}}
    return {
        "extensions": {"health_check": {"endpoint": "0.0.0.0:13133"}},
        "receivers": {
            "otlp": {
                "protocols": {
                    "grpc": {"endpoint": f"0.0.0.0:{_OTLP['otlp-grpc']}"},
                    "http": {"endpoint": f"0.0.0.0:{_OTLP['otlp-http']}"},
                }
            }
        },
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_percentage": 80},
            "batch": {},
        },
        "exporters": exporters,
        "service": {
            "extensions": ["health_check"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": sorted(exporters),
                }
            },
        },
    }
