"""Whether the nodes have room for the model servers that are to run. Pure.

A pod that no node takes waits without a word, so a preview says it before. Only what servers ask for
by number is counted (GPUs and slices of them): of CPU and memory there are seldom too few beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from model_servers import ModelServerArgs
from quantities import amount_of

# How clouds and Karpenter label the nodes of a pool.
_POOLS = {
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "kubernetes.azure.com/agentpool",
}


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node: what pods may still ask of it."""

    name: str
    labels: Mapping[str, str]
    taints: frozenset[str]  # keys of those that keep pods away
    whole: Mapping[str, float]  # what it has for pods, taken or not
    free: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class PlacedPod:
    """A pod of a model server that has a place on a node."""

    server: str
    node: str
    asked: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """The nodes, and the pods of model servers on them."""

    nodes: tuple[Node, ...]
    placed: tuple[PlacedPod, ...]


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """Pods of a server that no node takes."""

    server: str
    reference: str
    missing: int
    wanted: int
    asks: str
    ends: int  # pods that run, and end before those that replace them are placed
    grows: str = ""  # why a node may come by itself

    def __str__(self) -> str:
        ending = f", after {self.ends} that run now have ended" if self.ends else ""
        return (
            f"{self.server} ({self.reference}): no node has room for {self.missing} of"
            f" {self.wanted} pods{ending}; each asks for {self.asks}{self.grows}"
        )


def shortages(servers: Sequence[ModelServerArgs], capacity: Capacity) -> Iterator[Shortage]:
    """The servers whose least number of pods finds no place. One after the other takes what is free.

    A pod that asks for other than its server does now is replaced: it ends first, and what it holds
    is free. That of a server that is no longer wanted ends as well.
    """
    nodes = {node.name: node for node in capacity.nodes}
    free = {node.name: dict(node.free) for node in capacity.nodes}
    wanted_now = {server.name: server for server in servers}
    kept: Counter[str] = Counter()
    ending: Counter[str] = Counter()
    for pod in capacity.placed:
        server = wanted_now.get(pod.server)
        if server is not None and _stays(pod, nodes.get(pod.node), server):
            kept[pod.server] += 1
        else:
            ending[pod.server] += 1
            _release(free.get(pod.node, {}), pod.asked)
    for server in servers:
        wanted, asked = server.hosting.replicas.min, _counted(server.resources)
        missing = max(0, wanted - kept[server.name]) if asked else 0
        for node in capacity.nodes:
            if _takes(node, server):
                missing -= _place(free[node.name], asked, missing)
        if missing:
            yield Shortage(
                server=server.name,
                reference=server.ref,
                missing=missing,
                wanted=wanted,
                asks=", ".join(f"{size:g} {name}" for name, size in sorted(asked.items())),
                ends=ending[server.name],
                grows=_grows(capacity.nodes, server, asked),
            )


def _grows(nodes: Sequence[Node], server: ModelServerArgs, asked: Mapping[str, float]) -> str:
    """What an autoscaler may add is not known here, and a pool may have no node to tell of it."""
    selector = server.hosting.node_selector.items()
    alike = [
        node
        for node in nodes
        if selector <= node.labels.items() and all(node.whole.get(name) for name in asked)
    ]
    if not alike:
        return ", and no node that it selects has any: a node pool that grows from none may add one"
    is_pooled = any(
        _POOLS & node.labels.keys() and all(node.whole[n] >= size for n, size in asked.items())
        for node in alike
    )
    return ": a node pool that grows may add a node" if is_pooled else ""


def _counted(resources: Mapping[str, str]) -> dict[str, float]:
    return {name: amount_of(size) for name, size in resources.items() if "/" in name}


def _stays(pod: PlacedPod, node: Node | None, server: ModelServerArgs) -> bool:
    """Whether a pod is one that the server wants still, as far as its place depends on it."""
    held = {name: size for name, size in pod.asked.items() if "/" in name}
    is_there = node is None or server.hosting.node_selector.items() <= node.labels.items()
    return is_there and held == _counted(server.resources)


def _release(free: dict[str, float], held: Mapping[str, float]) -> None:
    for name, size in held.items():
        if name in free:
            free[name] += size


def _takes(node: Node, server: ModelServerArgs) -> bool:
    hosting = server.hosting
    tolerated = {"nvidia.com/gpu", *(str(one.get("key", "")) for one in hosting.tolerations)}
    is_tolerated = "" in tolerated or node.taints <= tolerated  # without a key, all are
    return is_tolerated and hosting.node_selector.items() <= node.labels.items()


def _place(free: dict[str, float], asked: Mapping[str, float], most: int) -> int:
    """How many pods were placed on a node, whose free resources are less by as much."""
    count = 0
    while count < most and all(free.get(name, 0.0) >= size for name, size in asked.items()):
        for name, size in asked.items():
            free[name] -= size
        count += 1
    return count
