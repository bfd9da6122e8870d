"""The nodes of a cluster as they are now, asked by kubectl."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import tetrad
from capacity import Capacity, Node
from quantities import amount_of

_ENDED = ("Succeeded", "Failed")


def look(cluster: tetrad.Cluster) -> Capacity | None:
    """What the nodes have free; None where there is no kubectl to ask, or it gets no answer."""
    if shutil.which("kubectl") is None:
        return None
    command = ["kubectl", "--context", cluster.context, "get", "nodes,pods", "--all-namespaces"]
    result = subprocess.run(
        [*command, "--output", "json"], capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        return None
    return capacity_of(json.loads(result.stdout)["items"], cluster.namespace)


def capacity_of(items: Sequence[Mapping[str, Any]], namespace: str) -> Capacity:
    """From the objects as the API server tells them."""
    taken: defaultdict[str, Counter[str]] = defaultdict(Counter)
    placed: Counter[str] = Counter()
    for item in items:
        node = item["spec"].get("nodeName")
        if item["kind"] != "Pod" or not node or item.get("status", {}).get("phase") in _ENDED:
            continue
        for container in item["spec"]["containers"]:
            asked = container.get("resources", {}).get("requests", {})
            taken[node].update({name: amount_of(size) for name, size in asked.items()})
        metadata = item["metadata"]
        model = metadata.get("labels", {}).get("tetrad.dev/model")
        if model and metadata["namespace"] == namespace:
            placed[f"model-{model}"] += 1
    nodes = [
        _node(item, taken[item["metadata"]["name"]]) for item in items if item["kind"] == "Node"
    ]
    return Capacity(nodes=tuple(nodes), placed=placed)


def _node(item: Mapping[str, Any], taken: Mapping[str, float]) -> Node:
    spec = item["spec"]
    kept_away = [t["key"] for t in spec.get("taints", ()) if t["effect"] != "PreferNoSchedule"]
    closed = ["node.kubernetes.io/unschedulable"] if spec.get("unschedulable") else []
    allocatable = item.get("status", {}).get("allocatable", {})
    return Node(
        name=item["metadata"]["name"],
        labels=item["metadata"].get("labels", {}),
        taints=frozenset([*kept_away, *closed]),
        free={name: amount_of(size) - taken.get(name, 0.0) for name, size in allocatable.items()},
    )
