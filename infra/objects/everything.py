"""All objects of an environment, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Mapping

from desired import Desired
from objects.gateway import gateway_objects, shared_gateway_objects
from objects.gpu_runner import gpu_runner_objects
from objects.index import index_objects
from objects.kubernetes import Object, Place, object_name
from objects.model_server import model_server_objects
from objects.network import default_deny, model_server_traffic, namespace_object
from objects.observability import observability_objects
from objects.proven import admission_policies, proven_list
from objects.snapshot import snapshot_objects
from objects.vector_store import vector_store_objects


def objects_by_name(desired: Desired) -> dict[str, Object]:
    """By KIND/NAME, in the order in which they are applied."""
    return {object_name(obj): obj for group in object_groups(desired).values() for obj in group}


def object_groups(desired: Desired) -> Mapping[str, list[Object]]:
    """By the name of the component that they belong to; the list of proven identities comes first."""
    cluster = desired.cluster
    monitoring = cluster.monitoring
    place = Place.of(desired.environment, cluster)
    groups: dict[str, list[Object]] = {
        "namespace": [
            namespace_object(place),
            proven_list(desired, place),
            *admission_policies(desired, place),
            default_deny(place),
            model_server_traffic(place, monitoring),
        ]
    }
    for snapshot in desired.snapshots:
        groups[snapshot.name] = snapshot_objects(snapshot, place)
    for model in desired.models:
        groups[model.name] = model_server_objects(model, place, monitoring)
    if desired.stores_vectors and cluster.vector_store is not None:
        groups["vector-store"] = [
            *vector_store_objects(cluster.vector_store, place),
            *index_objects(desired, place),
        ]
    groups["gateway"] = [
        *shared_gateway_objects(desired, place),
        *(o for release in cluster.gateways for o in gateway_objects(release, desired, place)),
    ]
    if monitoring is not None:
        groups["observability"] = observability_objects(monitoring, desired.alerts, place)
    if cluster.runners is not None:
        groups["runners"] = gpu_runner_objects(cluster.runners, place)
    return groups
