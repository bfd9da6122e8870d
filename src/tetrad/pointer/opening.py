"""Where an environment's pointers are kept: in the registry, or in its namespace."""

from __future__ import annotations

from collections.abc import Callable

from tetrad.model import Environment
from tetrad.pointer.deployers import Deployers
from tetrad.pointer.kept_pointers import KeptPointers
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import Place


def store_of(environment: Environment, registry: Callable[[], Place]) -> KeptPointers:
    """By the environment's target; the registry of one in a cluster is asked for when it is needed."""
    deployers = Deployers.of(environment)
    cluster = environment.cluster
    if cluster is None:
        return PointerStore(registry(), deployers)
    from tetrad.cluster_api import ClusterApi
    from tetrad.pointer.cluster_pointers import ClusterPointers
    from tetrad.pointer.registry_record import Recording

    recording = Recording(lambda: PointerStore(registry(), deployers))
    return ClusterPointers(ClusterApi(cluster.context, cluster.namespace), deployers, recording)
