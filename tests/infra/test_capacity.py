"""Which pods of model servers find no place on the nodes that there are."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from clusters import FULL, MODELS, clustered, desired_of, sha256

from capacity import Capacity, shortages
from model_servers import ModelServerArgs
from nodes import capacity_of

GPU = "nvidia.com/gpu"


def node(name: str, gpus: int, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": {"pool": "h200"}},
        "spec": {"taints": [{"key": GPU, "effect": "NoSchedule"}]},
        "status": {"allocatable": {GPU: str(gpus), "cpu": "96", "memory": "1Ti"}},
        **changes,
    }


def pod(
    on: str | None, gpus: int, labels: dict[str, str] | None = None, **status: str
) -> dict[str, Any]:
    container = {"resources": {"requests": {GPU: str(gpus), "cpu": "500m"}}}
    return {
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "llm", "labels": labels or {}},
        "spec": {"containers": [container], **({"nodeName": on} if on else {})},
        "status": status,
    }


def of_pool(mark: str) -> dict[str, Any]:
    return {"name": "a", "labels": {"pool": "h200", mark: "gpus"}}


@pytest.fixture
def server(tmp_path: Path) -> ModelServerArgs:
    """Two pods of two GPUs each, on nodes of the pool h200; spot nodes are tolerated."""
    (found,) = desired_of(clustered(tmp_path, copy.deepcopy(FULL))).models
    return found


def missing(server: ModelServerArgs, *items: dict[str, Any]) -> int:
    """Pods without a place."""
    return sum(one.missing for one in shortages([server], capacity(*items)))


def capacity(*items: dict[str, Any]) -> Capacity:
    nodes, pods = ([one for one in items if one["kind"] == kind] for kind in ("Node", "Pod"))
    return capacity_of(nodes, pods, "llm")


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], 2),
        ([node("a", 4)], 0),
        ([node("a", 2), node("b", 2)], 0),
        ([node("a", 3), node("b", 1)], 1),  # four GPUs, and one node has too few for a pod
        ([node("a", 4), pod("a", 1)], 1),
        ([node("a", 4), pod("a", 1, phase="Succeeded")], 0),
        ([node("a", 4), pod(None, 4)], 0),  # which waits itself
        ([node("a", 4, spec={"unschedulable": True})], 2),
        ([node("a", 4, spec={"taints": [{"key": "own", "effect": "NoExecute"}]})], 2),
        ([node("a", 4, spec={"taints": [{"key": "own", "effect": "PreferNoSchedule"}]})], 0),
        ([node("a", 4, spec={"taints": [{"key": "spot", "effect": "NoSchedule"}]})], 0),
        ([node("a", 4, metadata={"name": "a", "labels": {"pool": "other"}})], 2),
        ([node("a", 4, status={})], 2),
    ],
)
def test_pods_are_placed_on_nodes_that_take_them(
    items: list[dict[str, Any]], expected: int, server: ModelServerArgs
) -> None:
    assert missing(server, *items) == expected


FROM_NONE = ": a node pool that grows from none may add one"
POOLED = ": a node pool that grows may add a node"


@pytest.mark.parametrize(
    ("items", "end"),
    [
        ([], FROM_NONE),
        ([node("a", 0)], FROM_NONE),
        ([node("a", 8, metadata={"name": "a", "labels": {"pool": "other"}})], FROM_NONE),
        ([node("a", 2)], "each asks for 2 nvidia.com/gpu"),
        ([node("a", 2, metadata=of_pool("cloud.google.com/gke-nodepool"))], POOLED),
        ([node("a", 2, metadata=of_pool("karpenter.sh/nodepool")), pod("a", 2)], POOLED),
        # another such node would be too small as well
        (
            [node("a", 1, metadata=of_pool("karpenter.sh/nodepool"))],
            "each asks for 2 nvidia.com/gpu",
        ),
    ],
)
def test_a_pool_that_may_grow_is_named_where_there_may_be_one(
    items: list[dict[str, Any]], end: str, server: ModelServerArgs
) -> None:
    (found,) = shortages([server], capacity(*items))

    assert str(found).endswith(end)


def test_a_pod_takes_what_one_of_its_beginnings_needs_alone() -> None:
    def containing(gpus: int, **more: str) -> dict[str, Any]:
        return {"resources": {"requests": {GPU: str(gpus)}}, **more}

    def free(*begins: dict[str, Any]) -> float:
        taking = pod("a", 1)
        taking["spec"]["initContainers"] = list(begins)
        (found,) = capacity(node("a", 8), taking).nodes
        return found.free[GPU]

    assert free(containing(1)) == 7
    assert free(containing(4), containing(3)) == 4
    assert free(containing(2, restartPolicy="Always")) == 5


def test_pods_that_run_already_need_no_place(server: ModelServerArgs) -> None:
    running = pod("a", 2, {"tetrad.dev/model": server.short})

    assert missing(server, node("a", 2), running) == 1
    assert missing(server, node("a", 4), running) == 0


def test_pods_that_a_change_replaces_end_first_and_leave_their_place(
    server: ModelServerArgs,
) -> None:
    """Two GPUs each are wanted now; those of another size are replaced one by one."""
    larger, smaller = (pod("a", gpus, {"tetrad.dev/model": server.short}) for gpus in (4, 1))

    assert missing(server, node("a", 4), larger) == 0
    assert missing(server, node("a", 4), smaller, smaller) == 0
    assert missing(server, node("a", 2), smaller, smaller) == 1
    (short,) = shortages([server], capacity(node("a", 2), smaller, smaller))
    assert "no node has room for 1 of 2 pods, after 2 that run now have ended" in str(short)


def test_pods_on_nodes_that_are_no_longer_selected_are_replaced(server: ModelServerArgs) -> None:
    other = node("b", 2, metadata={"name": "b", "labels": {"pool": "other"}})
    running = pod("b", 2, {"tetrad.dev/model": server.short})

    assert missing(server, node("a", 2), other, running) == 1


def test_pods_on_a_node_that_takes_no_others_stay(server: ModelServerArgs) -> None:
    drained = node("a", 4, spec={"unschedulable": True})
    running = pod("a", 2, {"tetrad.dev/model": server.short})

    assert missing(server, drained, running, running) == 0


def test_a_server_that_is_no_longer_wanted_leaves_its_place(server: ModelServerArgs) -> None:
    gone = pod("a", 4, {"tetrad.dev/model": "0" * 12})

    assert missing(server, node("a", 4), gone) == 0


def test_pods_of_another_environment_do_not_count_as_its_own(server: ModelServerArgs) -> None:
    other = pod("a", 2, {"tetrad.dev/model": server.short})
    other["metadata"]["namespace"] = "staging"

    assert missing(server, node("a", 4), other) == 1


def test_servers_share_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twin = {**MODELS["large"], "files": {"model.safetensors": sha256("twin")}}
    monkeypatch.setitem(MODELS, "twin", twin)
    environment = copy.deepcopy(FULL)
    hosted = environment["models"]
    hosted["stacks/models/twin"] = copy.deepcopy(hosted["stacks/models/large"])
    servers = desired_of(clustered(tmp_path, environment, ["large", "twin"])).models

    found = list(shortages(servers, capacity(node("a", 6))))

    assert [(one.missing, one.wanted) for one in found] == [(1, 2)]
    assert str(found[0]).endswith("room for 1 of 2 pods; each asks for 2 nvidia.com/gpu")
