"""What every Lease has in common."""

from __future__ import annotations

from datetime import datetime

from tetrad.cluster_api.cluster_objects import Object, ResourceCollection

LEASES = ResourceCollection(api="apis/coordination.k8s.io/v1", resource="leases")


def lease_named(name: str) -> Object:
    """A Lease that says nothing yet."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name},
    }


def micro_time(moment: datetime) -> str:
    """A moment in UTC as Kubernetes writes a MicroTime."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
