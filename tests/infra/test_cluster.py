"""Rendered objects on a real API server, and what its admission refuses of others."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import EVERY, FULL, clustered, desired_of, image
from control_plane import ControlPlane, definitions_in, started

from desired import Desired
from manifests import write_manifests
from objects.everything import object_groups
from objects.kubernetes import COMPONENT, Object

pytestmark = pytest.mark.campaign  # real servers, for minutes

CRDS = Path(__file__).parent / "crds"
DEPLOYER = "system:serviceaccount:argocd:deployer"
GATEWAY = "system:serviceaccount:llm:gateway"
_TAKES_EFFECT_S = 30


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with started(tmp_path_factory.mktemp("plane"), [DEPLOYER], [GATEWAY]) as plane:
        definitions = definitions_in(CRDS)
        applied = plane.apply(definitions)
        assert applied.returncode == 0, applied.stderr
        names = [f"crd/{one['metadata']['name']}" for one in definitions]
        plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)
        yield plane


@pytest.fixture(scope="module")
def desired(tmp_path_factory: pytest.TempPathFactory) -> Desired:
    return desired_of(clustered(tmp_path_factory.mktemp("tree"), FULL, EVERY, searching=True))


@pytest.fixture(scope="module")
def objects(desired: Desired) -> list[Object]:
    return [obj for group in object_groups(desired).values() for obj in group]


@pytest.fixture(scope="module")
def applied(
    plane: ControlPlane, desired: Desired, tmp_path_factory: pytest.TempPathFactory
) -> ControlPlane:
    """The control plane with everything applied, and its policies in force."""
    folder = tmp_path_factory.mktemp("manifests")
    write_manifests(desired, folder)
    result = plane.kubectl("apply", "--server-side", "-f", str(folder), user=DEPLOYER)
    assert result.returncode == 0, result.stderr
    deadline = time.monotonic() + _TAKES_EFFECT_S
    while (
        plane.apply([_pod("stranger", "registry.example/a:latest")], "--dry-run=server").returncode
        == 0
    ):
        assert time.monotonic() < deadline, "the policies do not take effect"
        time.sleep(0.5)
    return plane


def _pod(name: str, named: str, **metadata: Any) -> Object:
    security: Object = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "llm", **metadata},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "a", "image": named, "securityContext": security}],
        },
    }


def test_applying_it_again_changes_nothing(applied: ControlPlane, objects: list[Object]) -> None:
    before = _versions(applied)

    result = applied.apply(objects, user=DEPLOYER)

    assert result.returncode == 0, result.stderr
    assert _versions(applied) == before


def _versions(plane: ControlPlane) -> dict[tuple[str, str], str]:
    kinds = "configmaps,deployments,services,statefulsets,jobs,networkpolicies,poddisruptionbudgets"
    found = plane.get(kinds, "--namespace", "llm")["items"]
    return {(o["kind"], o["metadata"]["name"]): o["metadata"]["resourceVersion"] for o in found}


def test_every_pod_meets_the_restricted_standard(
    applied: ControlPlane, objects: list[Object]
) -> None:
    pods = []
    for obj in objects:
        if "template" in obj.get("spec", {}):
            template = obj["spec"]["template"]
            metadata = {**template["metadata"], "name": obj["metadata"]["name"], "namespace": "llm"}
            spec = copy.deepcopy(template["spec"])
            for claim in obj["spec"].get("volumeClaimTemplates", ()):
                spec["volumes"].append({"name": claim["metadata"]["name"], "emptyDir": {}})
            spec.pop("runtimeClassName", None)  # of which the cluster has none
            pods.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    result = applied.apply(pods, "--dry-run=server")

    assert len(pods) == 9
    assert result.returncode == 0, result.stderr
    assert "Warning" not in result.stderr


def _server(objects: list[Object]) -> Object:
    """A copy of a model server."""
    found = (
        o
        for o in objects
        if o["kind"] == "Deployment" and o["metadata"]["labels"][COMPONENT] == "model-server"
    )
    return copy.deepcopy(next(found))


def _snapshot(objects: list[Object]) -> Object:
    found = (o for o in objects if o["metadata"]["labels"][COMPONENT] == "snapshot")
    return copy.deepcopy(next(found))


def another_image(objects: list[Object]) -> Object:
    server = _server(objects)
    server["spec"]["template"]["spec"]["containers"][0]["image"] = image("unknown")
    return server


def an_image_of_another_component(objects: list[Object]) -> Object:
    server = _server(objects)
    server["spec"]["template"]["spec"]["containers"][0]["image"] = image("gateway")
    return server


def an_unknown_image_before_it_starts(objects: list[Object]) -> Object:
    server = _server(objects)
    server["spec"]["template"]["spec"]["initContainers"][0]["image"] = image("unknown")
    return server


def weights_of_an_unknown_image(objects: list[Object]) -> Object:
    server = _server(objects)
    weights = {"name": "other", "image": {"reference": image("unknown")}}
    server["spec"]["template"]["spec"]["volumes"].append(weights)
    return server


def a_label_of_another_model(objects: list[Object]) -> Object:
    server = _server(objects)
    for labels in (
        server["metadata"]["labels"],
        server["spec"]["selector"]["matchLabels"],
        server["spec"]["template"]["metadata"]["labels"],
    ):
        labels["tetrad.dev/model"] = "0" * 12
    server["metadata"]["name"] = f"model-{'0' * 12}"
    return server


def an_annotation_of_another_model(objects: list[Object]) -> Object:
    server = _server(objects)
    annotations = server["spec"]["template"]["metadata"]["annotations"]
    annotations["tetrad.dev/model"] = annotations["tetrad.dev/model"][:-1] + "x"
    return server


def an_unproven_model(objects: list[Object]) -> Object:
    server = a_label_of_another_model(objects)
    for metadata in (server["metadata"], server["spec"]["template"]["metadata"]):
        metadata["annotations"]["tetrad.dev/model"] = f"sha256:{'0' * 64}"
    return server


def a_model_by_another_name(objects: list[Object]) -> Object:
    server = _server(objects)
    server["metadata"]["name"] = "model-small"
    return server


def an_unproven_snapshot(objects: list[Object]) -> Object:
    snapshot = _snapshot(objects)
    snapshot["metadata"]["name"] = f"snapshot-{'0' * 12}"
    snapshot["metadata"]["annotations"]["tetrad.dev/snapshot"] = f"sha256:{'0' * 64}"
    return snapshot


def a_snapshot_of_another_identity(objects: list[Object]) -> Object:
    snapshot = _snapshot(objects)
    metadata = snapshot["metadata"]
    metadata["annotations"]["tetrad.dev/identity"] = f"tetrad:{'0' * 64}"
    metadata["labels"]["tetrad.dev/identity"] = "0" * 12
    return snapshot


def a_snapshot_without_annotations(objects: list[Object]) -> Object:
    snapshot = _snapshot(objects)
    del snapshot["metadata"]["annotations"]
    return snapshot


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (another_image, "an image of it is not on the list"),
        (an_image_of_another_component, "are not those of a model on the list"),
        (an_unknown_image_before_it_starts, "an image of it is not on the list"),
        (weights_of_an_unknown_image, "an image of it is not on the list"),
        (a_label_of_another_model, "are not those of a model on the list"),
        (an_annotation_of_another_model, "are not those of a model on the list"),
        (an_unproven_model, "are not those of a model on the list"),
        (a_model_by_another_name, "its name is not that of its model"),
        (an_unproven_snapshot, "are not those of a snapshot on the list"),
        (a_snapshot_of_another_identity, "are not those of a snapshot on the list"),
        (a_snapshot_without_annotations, "are not those of a snapshot on the list"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_not_on_the_list_is_refused(
    change: Any, why: str, applied: ControlPlane, objects: list[Object]
) -> None:
    # A created object, so that a field that cannot be changed is not what refuses it.
    obj = change(objects)
    if obj["metadata"]["name"] in {o["metadata"]["name"] for o in objects}:
        result = applied.kubectl("replace", "--dry-run=server", "-f", "-", user=DEPLOYER, given=obj)
    else:
        result = applied.apply([obj], "--dry-run=server", user=DEPLOYER)

    assert result.returncode != 0
    assert why in result.stderr


def test_only_the_deployer_writes_the_list(applied: ControlPlane, objects: list[Object]) -> None:
    listed = next(o for o in objects if o["metadata"]["name"] == "tetrad-proven")
    changed = {**listed, "data": {**listed["data"], "images": "registry.example/a:latest\n"}}
    where = ("--namespace", "llm")

    refused = applied.apply([changed], "--force-conflicts", "--dry-run=server")
    deleted = applied.kubectl("delete", "configmap", "tetrad-proven", "--dry-run=server", *where)
    taken = applied.apply([changed], "--dry-run=server", user=DEPLOYER)

    assert f"only {DEPLOYER} may write it" in refused.stderr
    assert f"only {DEPLOYER} may write it" in deleted.stderr
    assert taken.returncode == 0, taken.stderr


def test_a_gateway_writes_no_lease_but_those_of_gateways(applied: ControlPlane) -> None:
    def lease(name: str) -> Object:
        metadata = {"name": name, "namespace": "llm"}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}

    where = ("--namespace", "llm")
    assert applied.apply([lease("tetrad-apply")], user=DEPLOYER).returncode == 0
    for user in (GATEWAY, DEPLOYER):
        mine = applied.apply([lease("gateway-1")], "--force-conflicts", user=user)
        assert mine.returncode == 0, mine.stderr

    tried = [
        applied.apply([lease("tetrad-apply")], "--field-manager=a", user=GATEWAY),
        applied.apply([lease("other")], user=GATEWAY),
        applied.kubectl("create", *where, "-f", "-", user=GATEWAY, given=lease("other")),
        applied.kubectl("delete", "lease", "tetrad-apply", *where, user=GATEWAY),
    ]
    gone = applied.kubectl("delete", "lease", "gateway-1", *where, user=GATEWAY)

    for refused in tried:
        assert refused.returncode != 0
        assert "a gateway writes no Lease but those of gateways" in refused.stderr
    assert gone.returncode == 0, gone.stderr


def test_other_configuration_and_other_namespaces_are_left_alone(applied: ControlPlane) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "elsewhere"}}
    config: Object = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}
    pod = _pod("stranger", "registry.example/a:latest")
    pod["metadata"]["namespace"] = "elsewhere"

    assert applied.apply([namespace]).returncode == 0
    for obj in ({**config, "metadata": {"name": "notes", "namespace": "llm"}}, pod):
        result = applied.apply([obj], "--dry-run=server")

        assert result.returncode == 0, result.stderr
