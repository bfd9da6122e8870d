"""How live objects differ from those that are wanted, by their fields and by who set them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from controllers import owned
from drifted import EXCLUSIVE, changed_snapshots, drifted
from fields import field_changes
from objects.kubernetes import Place

PLACE = Place(namespace="llm", environment="production")
NAME = "Deployment/gateway"
WANTED: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": PLACE.metadata("gateway", "gateway"),
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "gateway",
                        "image": "a",
                        "env": [{"name": "A", "value": "1"}],
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    }
                ]
            }
        }
    },
}


def live(change: Callable[[Any], object] = lambda _: None) -> dict[str, Any]:
    """As the API server has it: with its own defaults, which nobody owns."""
    found = copy.deepcopy(WANTED)
    found["spec"]["revisionHistoryLimit"] = 10
    found["spec"]["template"]["spec"]["dnsPolicy"] = "ClusterFirst"
    found["metadata"]["resourceVersion"] = "12"
    found["metadata"]["managedFields"] = []
    change(found)
    return found


def container(obj: Any) -> Any:
    return obj["spec"]["template"]["spec"]["containers"][0]


def owns(obj: Any, fields: dict[str, Any], manager: str = "kubectl-edit", **entry: str) -> None:
    told = {"manager": manager, "operation": "Update", "fieldsV1": fields, **entry}
    obj["metadata"]["managedFields"].append(told)


def found(obj: dict[str, Any]) -> dict[str, tuple[str | None, str | None]]:
    told = list(drifted({NAME: WANTED}, {NAME: obj}, PLACE))
    return {f.path: (f.before, f.after) for one in told for f in one.fields}


def test_defaults_are_no_drift() -> None:
    assert found(live()) == {}


def test_a_field_that_was_changed_is_named() -> None:
    assert found(live(lambda o: container(o).update(image="b"))) == {
        "spec.template.spec.containers[gateway].image": ("a", "b")
    }


def test_a_field_that_was_removed_is_named() -> None:
    assert found(live(lambda o: container(o).pop("image"))) == {
        "spec.template.spec.containers[gateway].image": ("a", None)
    }


def test_an_item_of_a_list_that_was_added_is_named() -> None:
    def change(obj: Any) -> None:
        container(obj)["env"].insert(0, {"name": "B", "value": "2"})
        env: dict[str, Any] = {'k:{"name":"B"}': {".": {}, "f:name": {}, "f:value": {}}}
        containers = {'k:{"name":"gateway"}': {"f:env": env}}
        owns(obj, {"f:spec": {"f:template": {"f:spec": {"f:containers": containers}}}})

    assert found(live(change)) == {
        "spec.template.spec.containers[gateway].env[B]": (None, '{"name": "B", "value": "2"}')
    }


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"f:metadata": {"f:labels": {"f:team": {}}}}, "metadata.labels.team"),
        (
            {"f:metadata": {"f:annotations": {".": {}, "f:example.com/a": {}}}},
            "metadata.annotations[example.com/a]",
        ),
        ({"f:spec": {"f:paused": {}}}, "spec.paused"),
    ],
)
def test_a_field_that_somebody_set_is_named(fields: dict[str, Any], path: str) -> None:
    def change(obj: Any) -> None:
        obj["metadata"]["labels"]["team"] = "ml"
        obj["metadata"]["annotations"] = {"example.com/a": "b"}
        obj["spec"]["paused"] = True
        owns(obj, fields)

    assert [*found(live(change))] == [path]


@pytest.mark.parametrize(
    ("fields", "manager", "entry"),
    [
        ({"f:spec": {"f:replicas": {}}}, "kubectl-edit", {}),  # autoscaled, as it is not wanted
        ({"f:spec": {"f:paused": {}}}, "kubectl", {"subresource": "scale"}),
        ({"f:spec": {"f:paused": {}}}, "kube-controller-manager", {}),
        ({"f:status": {"f:replicas": {}}}, "kubectl-edit", {}),
        ({"f:metadata": {"f:finalizers": {}}}, "kubectl-edit", {}),
        (
            {"f:metadata": {"f:annotations": {".": {}, "f:pulumi.com/patchForce": {}}}},
            "pulumi-kubernetes",
            {},
        ),
        (
            {"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/restartedAt": {}}}},
            "kubectl-rollout",
            {},
        ),
        ({"f:spec": {"f:gone": {}}}, "kubectl-edit", {}),
        ({"f:metadata": {"f:annotations": {"f:cloud/neg": {}}}}, "cloud-controller", {}),
        ({"f:metadata": {"f:labels": {"f:kubernetes.io/metadata.name": {}}}}, "kubectl-create", {}),
    ],
)
def test_what_others_may_set_is_no_drift(
    fields: dict[str, Any], manager: str, entry: dict[str, str]
) -> None:
    def change(obj: Any) -> None:
        obj["spec"].update(paused=True, replicas=9)
        obj["status"] = {"replicas": 9}
        marks = {
            "cloud/neg": "a",
            "pulumi.com/patchForce": "true",
            "kubectl.kubernetes.io/restartedAt": "now",
        }
        obj["metadata"].update(annotations=marks, finalizers=["a"])
        obj["metadata"]["labels"]["kubernetes.io/metadata.name"] = "llm"  # of any namespace
        owns(obj, fields, manager, **entry)

    assert found(live(change)) == {}


def test_what_is_missing_and_what_is_too_many_is_named() -> None:
    stranger: dict[str, Any] = {
        "kind": "Deployment",
        "metadata": {"name": "other", "namespace": "llm"},
    }
    ours: dict[str, Any] = {
        "kind": "ConfigMap",
        "metadata": PLACE.metadata("snapshot-a", "snapshot"),
    }
    theirs: dict[str, Any] = {
        "kind": "ConfigMap",
        "metadata": {"name": "notes", "namespace": "llm"},
    }
    opens: dict[str, Any] = {
        "kind": "NetworkPolicy",
        "metadata": {"name": "allow-all", "namespace": "llm"},
    }
    policy: dict[str, Any] = {
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "tetrad-llm-2-snapshots", "labels": PLACE.labels("admission")},
    }
    there = {
        f"{o['kind']}/{o['metadata']['name']}": o for o in (stranger, ours, theirs, opens, policy)
    }

    told = {one.object: one.drift for one in drifted({NAME: WANTED}, there, PLACE)}

    assert told == {
        NAME: "missing",
        "Deployment/other": "extra",
        "ConfigMap/snapshot-a": "extra",
        "NetworkPolicy/allow-all": "extra",
    }


def there_is(kind: str, name: str, *owners: str) -> dict[str, Any]:
    """An object of the namespace, whose uid is its name."""
    metadata: dict[str, Any] = {"name": name, "namespace": "llm", "uid": name}
    if owners:
        metadata["ownerReferences"] = [{"uid": uid} for uid in owners]
    return {"kind": kind, "metadata": metadata}


def strangers(*there: dict[str, Any]) -> list[str]:
    gateway = {**WANTED, "metadata": {**WANTED["metadata"], "uid": "gateway"}}
    live = {f"{o['kind']}/{o['metadata']['name']}": o for o in (gateway, *there)}
    return [one.object for one in drifted({NAME: WANTED}, live, PLACE) if one.drift == "extra"]


@pytest.mark.parametrize("kind", EXCLUSIVE)
def test_what_runs_grants_or_leads_traffic_is_named_where_nobody_merged_it(kind: str) -> None:
    assert strangers(there_is(kind, "stranger")) == [f"{kind}/stranger"]


def test_what_a_merged_object_brings_is_no_drift() -> None:
    assert strangers(there_is("ReplicaSet", "a", "gateway"), there_is("Pod", "b", "a")) == []


def test_what_kubernetes_makes_in_every_namespace_is_no_drift() -> None:
    default, root = (
        there_is("ServiceAccount", "default"),
        there_is("ConfigMap", "kube-root-ca.crt"),
    )

    assert strangers(default, root) == []


def test_what_a_stranger_brings_is_named_by_it() -> None:
    job, pod = there_is("Job", "stranger"), there_is("Pod", "stranger-1", "stranger")

    assert strangers(job, pod) == ["Job/stranger"]


@pytest.mark.parametrize(
    "there",
    [
        [there_is("Pod", "a", "nobody")],
        [there_is("Pod", "a", "notes"), there_is("ConfigMap", "notes")],
    ],
    ids=["that is not there", "that may be there"],
)
def test_an_owner_hides_nothing(there: list[dict[str, Any]]) -> None:
    assert strangers(*there) == ["Pod/a"]


def test_objects_that_own_each_other_are_named() -> None:
    assert strangers(there_is("Job", "a", "b"), there_is("Job", "b", "a")) == ["Job/a", "Job/b"]


def test_lists_without_names_are_compared_by_place() -> None:
    before, after = {"args": ["a", "b"]}, {"args": ["a", "c", "d"]}

    told = [(one.path, one.before, one.after) for one in field_changes(before, after)]

    assert told == [("args[1]", "b", "c"), ("args[2]", None, "d")]


@pytest.mark.parametrize(
    ("metadata", "controller"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "a"}}, "Argo CD"),
        ({"labels": {"argocd.argoproj.io/instance": "a"}}, "Argo CD"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "a"}}, "Flux"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "a"}}, "Flux"),
        ({"managedFields": [{"manager": "argocd-controller", "operation": "Apply"}]}, "Argo CD"),
        ({"managedFields": [{"manager": "kustomize-controller", "operation": "Apply"}]}, "Flux"),
        ({"managedFields": [{"manager": "pulumi-kubernetes", "operation": "Apply"}]}, None),
        (
            {"managedFields": [{"manager": "argocd-controller", "subresource": "status"}]},
            None,
        ),
        ({"annotations": {"argocd.argoproj.io/sync-options": "Prune=false"}}, None),
    ],
)
def test_a_controller_that_owns_an_object_is_recognised(
    metadata: dict[str, Any], controller: str | None
) -> None:
    told = owned([NAME], {NAME: {"metadata": metadata}})

    assert [one.controller for one in told] == ([] if controller is None else [controller])


def config_map(name: str, component: str, *managers: str) -> dict[str, Any]:
    fields = [{"manager": manager, "operation": "Apply"} for manager in managers]
    metadata = {**PLACE.metadata(name, component), "managedFields": fields}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


LISTED = {**config_map("tetrad-proven", "admission"), "data": {"images": "a"}}
NEW, OLD = (config_map(f"snapshot-{name}", "snapshot") for name in ("new", "old"))
BY_PULUMI = config_map("snapshot-old", "snapshot", "pulumi-kubernetes-3f2a")


@pytest.mark.parametrize(
    ("wanted", "there", "names"),
    [
        ([LISTED], [LISTED], []),
        ([LISTED, NEW], [LISTED], ["snapshot-new"]),
        ([LISTED, NEW], [{**LISTED, "data": {"images": "b"}}], ["tetrad-proven", "snapshot-new"]),
        ([LISTED, NEW], [LISTED, BY_PULUMI], ["snapshot-new", "snapshot-old"]),
        ([LISTED, NEW], [LISTED, OLD], ["snapshot-new"]),  # somebody added it by hand
        ([LISTED, NEW, WANTED], [LISTED], []),  # more than snapshots is to change
        ([LISTED, config_map("rules", "monitoring")], [LISTED], []),
    ],
)
def test_a_change_of_nothing_but_snapshots_is_told_by_their_names(
    wanted: list[Any], there: list[Any], names: list[str]
) -> None:
    assert changed_snapshots(by_name(wanted), by_name(there), PLACE) == names


def by_name(objects: list[Any]) -> dict[str, Any]:
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in objects}
