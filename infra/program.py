"""Desired values to components: which there are, and what depends on what."""

from __future__ import annotations

import pulumi

from capacity import Capacity, shortages
from components.admission import Admission
from components.applied import PROVIDER_VERSION, Target
from components.gateway import Gateway
from components.gpu_runner import GpuRunner
from components.model_server import ModelServer
from components.observability import Observability
from components.snapshots import Snapshots
from components.vector_store import VectorStore
from desired import Desired
from objects.kubernetes import Place


def provision(desired: Desired, capacity: Capacity | None = None) -> None:
    """Declare everything that is to be there, and warn of what finds no place."""
    cluster = desired.cluster
    if capacity is not None:
        for shortage in shortages(desired.models, capacity):
            pulumi.log.warn(str(shortage))
    target = Target(
        place=Place.of(desired.environment, cluster),
        provider=pulumi.ProviderResource(
            "kubernetes",
            "cluster",
            {"context": cluster.context, "enableServerSideApply": "true"},
            pulumi.ResourceOptions(version=PROVIDER_VERSION),
        ),
    )
    admission = Admission("admission", desired, target)
    after = pulumi.ResourceOptions(depends_on=[admission])
    Snapshots("snapshots", desired.snapshots, target, after)
    servers = [ModelServer(m, cluster.monitoring, target, after) for m in desired.models]
    if desired.stores_vectors and cluster.vector_store is not None:
        VectorStore("vector-store", desired, cluster.vector_store, target, after)
    Gateway("gateway", desired, target, after)
    if cluster.monitoring is not None:
        Observability("observability", cluster.monitoring, desired.alerts, target, after)
    if cluster.runners is not None:
        GpuRunner("runners", cluster.runners, target, after)
    pulumi.export("model_servers", [server.url for server in servers])
    pulumi.export("usd_per_month", desired.usd_per_month)
