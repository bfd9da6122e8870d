"""Whether the nodes have room for the model servers that are to run. Pure.

A pod that no node takes waits without a word, so a preview says it before. Only what servers ask for
by number is counted (GPUs and slices of them): of CPU and memory there are seldom too few beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from model_servers import ModelServerArgs
from quantities import amount_of


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node: what pods may still ask of it."""

    name: str
    labels: Mapping[str, str]
    taints: frozenset[str]  # keys of those that keep pods away
    free: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """The nodes, and the pods of model servers that have a place on one, by the server's name."""

    nodes: tuple[Node, ...]
    placed: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """Pods of a server that no node takes."""

    server: str
    reference: str
    missing: int
    wanted: int
    asks: str

    def __str__(self) -> str:
        return (
            f"{self.server} ({self.reference}): no node has room for {self.missing} of"
            f" {self.wanted} pods; each asks for {self.asks}"
        )


def shortages(servers: Sequence[ModelServerArgs], capacity: Capacity) -> Iterator[Shortage]:
    """The servers whose least number of pods finds no place. One after the other takes what is free."""
    free = {node.name: dict(node.free) for node in capacity.nodes}
    for server in servers:
        wanted = server.hosting.replicas.min
        asked = {name: amount_of(size) for name, size in server.resources.items() if "/" in name}
        missing = max(0, wanted - capacity.placed.get(server.name, 0)) if asked else 0
        for node in capacity.nodes:
            if _takes(node, server):
                missing -= _place(free[node.name], asked, missing)
        if missing:
            asks = ", ".join(f"{size:g} {name}" for name, size in sorted(asked.items()))
            yield Shortage(
                server=server.name,
                reference=server.ref,
                missing=missing,
                wanted=wanted,
                asks=asks,
            )


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
