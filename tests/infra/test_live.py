"""What of an environment is asked of a real API server, and what is told where it gives no answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import EVERY, FULL, clustered, desired_of
from control_plane import ControlPlane, started

import tetrad
from live import Live
from objects.everything import objects_by_name
from objects.kubernetes import Object

pytestmark = pytest.mark.campaign  # a real API server, for a minute

STRANGER = "stranger@example.com"
CLUSTER = tetrad.Cluster(context="prod", namespace="llm")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Two namespaces, and no custom resource."""
    folder = tmp_path_factory.mktemp("plane")
    with started(folder, strangers=[STRANGER]) as plane:
        for name in ("llm", "other"):
            assert plane.kubectl("create", "namespace", name).returncode == 0
        yield plane


@pytest.fixture
def live(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig("prod")))
    return Live(CLUSTER)


def config_map(name: str, namespace: str = "llm", **data: str) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def configured(live: Live) -> dict[str, Any]:
    """The ConfigMaps of the namespace, by name; the cluster adds one of its own."""
    found = live.objects([config_map("any")])
    return {name: obj for name, obj in found.items() if "kube-root-ca" not in name}


def test_kinds_that_the_cluster_does_not_know_have_no_objects(live: Live, tmp_path: Path) -> None:
    wanted = objects_by_name(desired_of(clustered(tmp_path, FULL, EVERY, searching=True)))

    there = live.objects(wanted.values())

    assert {"HTTPRoute", "PodMonitor", "ScaledObject"} <= {o["kind"] for o in wanted.values()}
    assert [name for name in there if name in wanted] == ["Namespace/llm"]
    assert live.named("keda.sh/v1alpha1", "ScaledObject", "any") is None


def test_objects_are_those_of_the_namespace_with_their_kind_and_owners(
    plane: ControlPlane, live: Live
) -> None:
    assert plane.apply([config_map("a", x="1"), config_map("b", "other")]).returncode == 0

    found = configured(live)

    assert "ConfigMap/a" in found  # beside those of other tests
    assert "ConfigMap/b" not in found
    assert (found["ConfigMap/a"]["apiVersion"], found["ConfigMap/a"]["kind"]) == ("v1", "ConfigMap")
    assert found["ConfigMap/a"]["metadata"]["managedFields"]
    assert live.named("v1", "ConfigMap", "b") is None


def test_a_collection_of_more_than_an_answer_is_listed_whole(
    plane: ControlPlane, live: Live
) -> None:
    names = [f"many-{number}" for number in range(510)]
    assert plane.apply([config_map(name) for name in names]).returncode == 0

    assert {f"ConfigMap/{name}" for name in names} <= configured(live).keys()


def test_fields_are_removed_unless_somebody_changed_the_object_meanwhile(
    plane: ControlPlane, live: Live
) -> None:
    assert plane.apply([config_map("edited", x="1", y="2", z="3")]).returncode == 0
    before = configured(live)["ConfigMap/edited"]
    live.remove(before, ["/data/x"])

    with pytest.raises(tetrad.ClusterError, match="the object has been modified") as refused:
        live.remove(before, ["/data/y"])

    assert configured(live)["ConfigMap/edited"]["data"] == {"y": "2", "z": "3"}
    assert refused.value.exit_code == tetrad.ExitCode.INCONCLUSIVE


def test_who_may_not_see_an_object_is_told_which_verb_on_which_resource(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig("prod", user=STRANGER)))

    with pytest.raises(tetrad.ClusterError) as refused:
        Live(CLUSTER).objects([])

    assert 'cannot list resource "deployments" in API group "apps"' in str(refused.value)
    assert 'in the namespace "llm"' in str(refused.value)


def test_a_server_that_is_not_there_is_an_outage_and_no_empty_cluster(
    plane: ControlPlane, live: Live
) -> None:
    plane.stop()
    try:
        with pytest.raises(tetrad.ClusterError, match="the API server does not answer") as failed:
            live.objects([])
    finally:
        plane.start()

    assert str(failed.value).startswith("namespace llm of the cluster prod: ")
    assert failed.value.exit_code == tetrad.ExitCode.INCONCLUSIVE
