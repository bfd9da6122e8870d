"""The nodes of a cluster as they are now, and what of them is taken."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tetrad
from capacity import Capacity, Node, PlacedPod
from model_servers import server_name
from objects.kubernetes import MODEL
from quantities import amount_of

_ENDED = ("Succeeded", "Failed")


def look(cluster: tetrad.Cluster, warn: Callable[[str], None]) -> Capacity | None:
    """What the nodes have free; None, and a warning, where that cannot be asked."""
    try:
        with tetrad.ClusterApi(cluster.context, cluster.namespace) as api:
            nodes, pods = (api.collection("v1", kind) for kind in ("Node", "Pod"))
            assert nodes and pods  # noqa: S101, PT018 - every cluster has them
            running = ",".join(f"status.phase!={phase}" for phase in _ENDED)
            return capacity_of(
                api.listed(nodes)[0],
                api.listed(pods, fields=f"spec.nodeName!=,{running}", everywhere=True)[0],
                cluster.namespace,
            )
    except tetrad.ClusterError as error:
        warn(f"nobody knows whether the model servers find a place: {error}")
        return None


def capacity_of(
    nodes: Sequence[Mapping[str, Any]], pods: Sequence[Mapping[str, Any]], namespace: str
) -> Capacity:
    """From the objects as the API server gives them."""
    taken: defaultdict[str, Counter[str]] = defaultdict(Counter)
    placed = []
    for pod in pods:
        node, metadata = pod["spec"].get("nodeName"), pod["metadata"]
        if not node or pod.get("status", {}).get("phase") in _ENDED:
            continue
        asked = _asked(pod["spec"])
        taken[node].update(asked)
        model = metadata.get("labels", {}).get(MODEL)
        if model and metadata["namespace"] == namespace:
            placed.append(PlacedPod(server=server_name(model), node=node, asked=asked))
    found = tuple(_node(node, taken[node["metadata"]["name"]]) for node in nodes)
    return Capacity(nodes=found, placed=tuple(placed))


def _asked(pod: Mapping[str, Any]) -> Counter[str]:
    """What a pod takes on its node: what runs in it at once, or what one of its beginnings needs alone.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    """
    begins = pod.get("initContainers", ())
    sidecars = [one for one in begins if one.get("restartPolicy") == "Always"]
    asked = _requested([*pod["containers"], *sidecars])
    for one in begins:
        asked |= _requested([one])
    return asked


def _requested(containers: Iterable[Mapping[str, Any]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for container in containers:
        requests = container.get("resources", {}).get("requests", {})
        found.update({name: amount_of(size) for name, size in requests.items()})
    return found


def _node(node: Mapping[str, Any], taken: Mapping[str, float]) -> Node:
    spec = node["spec"]
    kept_away = [t["key"] for t in spec.get("taints", ()) if t["effect"] != "PreferNoSchedule"]
    closed = ["node.kubernetes.io/unschedulable"] if spec.get("unschedulable") else []
    allocatable = node.get("status", {}).get("allocatable", {})
    whole = {name: amount_of(size) for name, size in allocatable.items()}
    return Node(
        name=node["metadata"]["name"],
        labels=node["metadata"].get("labels", {}),
        taints=frozenset([*kept_away, *closed]),
        whole=whole,
        free={name: size - taken.get(name, 0.0) for name, size in whole.items()},
    )
