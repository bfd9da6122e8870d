"""Where and how an environment is served in Kubernetes. None of it is behavioural."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tetrad.canonical import Json

# What `tetrad init --deploy` writes in the place of the two values that it cannot know.
UNSET_CONTEXT = "SET-ME"
UNSET_DIGEST = "sha256:" + "0" * 64

Resources: TypeAlias = Mapping[str, str | float]  # in Kubernetes' terms: {"nvidia.com/gpu": 1}


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretKey:
    """A value in a Secret of the namespace. Tetrad writes no secrets, it names them."""

    secret: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Replicas:
    """How many copies run; autoscaled where `max` is above `min`."""

    min: int = 1
    max: int = 1

    @property
    def is_autoscaled(self) -> bool:
        return self.max > self.min


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightsVolume:
    """A claim that holds a model's files, in a folder of it."""

    claim: str
    folder: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelServerImage:
    """An OpenAI-compatible server other than vLLM."""

    image: str
    args: tuple[str, ...] = ()
    health: str = "/health"
    port: int = 8000


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelHosting:
    """How an environment hosts a model: the size of its server, and the nodes that take it."""

    replicas: Replicas = Replicas()
    secrets: Mapping[str, SecretKey] = field(default_factory=dict)  # by environment variable
    weights: WeightsVolume | None = None
    server: ModelServerImage | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Json], ...] = ()
    runtime_class: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayRelease:
    """A release of the gateway, and its share of the traffic (relative to the others)."""

    release: str
    image: str
    replicas: Replicas = Replicas(min=2, max=2)
    weight: int = 1
    resources: Resources = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorStoreHosting:
    """PostgreSQL with pgvector; `password` is that of its user postgres."""

    image: str
    password: SecretKey
    storage: str = "20Gi"
    storage_class: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Monitoring:
    """Who scrapes metrics, where autoscaling asks for them, and where traces go."""

    namespace: str  # of Prometheus, which may reach the metrics of every pod
    prometheus: str | None = None  # its address
    collector: str | None = None  # image of the OpenTelemetry collector
    traces: str | None = None  # the OTLP address that the collector sends to


@dataclass(frozen=True, kw_only=True, slots=True)
class RunnerHosting:
    """Self-hosted runners of the gate's job."""

    image: str
    token: SecretKey
    url: str  # of the repository that they register with
    egress: tuple[str, ...]  # CIDRs of the forge; they reach nothing else
    replicas: int = 1
    resources: Resources = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Json], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """A namespace of a cluster, and what Tetrad runs there."""

    context: str  # of the kubeconfig
    namespace: str
    gateway: str | None = None  # NAMESPACE/NAME of the Gateway that routes to the releases
    hostnames: tuple[str, ...] = ()
    deployer: str | None = None  # the account that applies, as the API server names it
    registry: SecretKey | None = None  # the value of TETRAD_REGISTRY
    bundles: str | None = None  # oci://HOST/REPOSITORY of snapshots too large for a ConfigMap
    gateways: tuple[GatewayRelease, ...] = ()
    vector_store: VectorStoreHosting | None = None
    monitoring: Monitoring | None = None
    runners: RunnerHosting | None = None
    usd_per_hour: Mapping[str, float] = field(default_factory=dict)  # by resource

    @property
    def unset(self) -> tuple[str, ...]:
        """The keys that still have what `tetrad init --deploy` wrote, each with what it takes."""
        found = []
        if self.context == UNSET_CONTEXT:
            found.append("kubernetes.context: set it to a context of your kubeconfig")
        for gateway in self.gateways:
            if gateway.image.endswith(f"@{UNSET_DIGEST}"):
                key = f"kubernetes.gateways.{gateway.release}.image"
                found.append(f"{key}: set its digest to that of the release")
        return tuple(found)
