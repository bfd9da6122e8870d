"""How an environment is served in Kubernetes: what of it a schema cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tetrad.loading.context import Context
from tetrad.loading.fields import Fields
from tetrad.model.cluster import (
    Cluster,
    GatewayRelease,
    ModelHosting,
    ModelServerImage,
    Monitoring,
    Replicas,
    RunnerHosting,
    SecretKey,
    VectorStoreHosting,
    WeightsVolume,
)
from tetrad.model.defaults import picked
from tetrad.yamldoc.parse import Path


def build_cluster(fields: Fields, context: Context) -> Cluster | None:
    raw = fields.get("kubernetes")
    if raw is None:
        return None
    for release, gateway in raw.get("gateways", {}).items():
        if "replicas" in gateway:
            check_replicas(fields, context, ("kubernetes", "gateways", release, "replicas"))
    return Cluster(
        **picked(raw, "context", "namespace", "gateway", "deployer", "bundles", "usd_per_hour"),
        hostnames=tuple(raw.get("hostnames", ())),
        registry=_secret(raw["registry"]) if "registry" in raw else None,
        gateways=tuple(_gateway(*item) for item in raw.get("gateways", {}).items()),
        vector_store=_vector_store(raw["vector_store"]) if "vector_store" in raw else None,
        monitoring=Monitoring(**raw["monitoring"]) if "monitoring" in raw else None,
        runners=_runners(raw["runners"]) if "runners" in raw else None,
    )


def build_hosting(raw: Mapping[str, Any]) -> ModelHosting:
    secrets = {name: _secret(written) for name, written in raw.get("secrets", {}).items()}
    return ModelHosting(
        replicas=_replicas(raw.get("replicas", {}), ModelHosting().replicas),
        secrets=secrets,
        weights=WeightsVolume(**raw["weights"]) if "weights" in raw else None,
        server=_server(raw["server"]) if "server" in raw else None,
        tolerations=tuple(raw.get("tolerations", ())),
        **picked(raw, "node_selector", "runtime_class"),
    )


def check_replicas(fields: Fields, context: Context, path: Path) -> None:
    replicas = fields.value(path)
    if replicas.get("min", 0) > replicas.get("max", replicas.get("min", 0)):
        message = f"min is {replicas['min']}, and max is {replicas['max']}"
        context.report(fields.issue(path, message, "write a max that is at least the min"))


def _gateway(release: str, raw: Mapping[str, Any]) -> GatewayRelease:
    return GatewayRelease(
        release=release,
        replicas=_replicas(raw.get("replicas", {}), GatewayRelease(release="", image="").replicas),
        **picked(raw, "image", "weight", "resources"),
    )


def _replicas(raw: Mapping[str, int], otherwise: Replicas) -> Replicas:
    """`max` alone lowers the default of `min`: it is not to be above it."""
    highest = raw.get("max")
    lowest = raw.get("min", otherwise.min if highest is None else min(otherwise.min, highest))
    return Replicas(min=lowest, max=lowest if highest is None else highest)


def _server(raw: Mapping[str, Any]) -> ModelServerImage:
    return ModelServerImage(
        args=tuple(raw.get("args", ())), **picked(raw, "image", "health", "port")
    )


def _vector_store(raw: Mapping[str, Any]) -> VectorStoreHosting:
    return VectorStoreHosting(
        password=_secret(raw["password"]), **picked(raw, "image", "storage", "storage_class")
    )


def _runners(raw: Mapping[str, Any]) -> RunnerHosting:
    return RunnerHosting(
        token=_secret(raw["token"]),
        egress=tuple(raw["egress"]),
        tolerations=tuple(raw.get("tolerations", ())),
        **picked(raw, "image", "url", "replicas", "resources", "node_selector"),
    )


def _secret(written: str) -> SecretKey:
    secret, _, key = written.partition("/")
    return SecretKey(secret=secret, key=key)
