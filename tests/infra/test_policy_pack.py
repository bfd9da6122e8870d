"""The policy pack: every example passes, and every mutation is caught by its rule."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from clusters import EXAMPLES, example, image

from objects.everything import object_groups
from objects.kubernetes import COMPONENT, Object
from policy_pack.checking import violations
from policy_pack.rules import RULES


@cache
def objects_of(folder: Path, name: str) -> tuple[Object, ...]:
    return tuple(o for group in object_groups(example(folder, name)).values() for o in group)


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_the_program_makes_passes(name: str, tmp_path: Path) -> None:
    assert [str(one) for one in violations(objects_of(tmp_path, name))] == []


@pytest.fixture
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    return copy.deepcopy([*objects_of(tmp_path_factory.getbasetemp() / "policy", "full")])


def _of(objects: list[Object], kind: str, component: str) -> Object:
    return next(
        o
        for o in objects
        if o["kind"] == kind and o["metadata"]["labels"].get(COMPONENT) == component
    )


def _pod(objects: list[Object]) -> Object:
    pod: Object = _server(objects)["spec"]["template"]["spec"]
    return pod


def _server(objects: list[Object]) -> Object:
    return _of(objects, "Deployment", "model-server")


def _container(objects: list[Object]) -> Object:
    container: Object = _pod(objects)["containers"][0]
    return container


def _snapshot(objects: list[Object]) -> Object:
    return _of(objects, "ConfigMap", "snapshot")


def _policy(objects: list[Object]) -> Any:
    return _of(objects, "NetworkPolicy", "vector-store")["spec"]


def _list(objects: list[Object]) -> Object:
    data: Object = next(o for o in objects if o["metadata"]["name"] == "tetrad-proven")["data"]
    return data


Mutation = Callable[[list[Object]], object]
SECRET: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "labels": {}}}
MUTATIONS: list[tuple[str, Mutation]] = [
    ("images-by-digest", lambda o: _container(o).update(image="registry.example/vllm:latest")),
    ("not-root", lambda o: _pod(o)["securityContext"].update(runAsNonRoot=False)),
    ("not-root", lambda o: _pod(o)["securityContext"].update(runAsUser=0)),
    ("not-root", lambda o: _container(o)["securityContext"].update(runAsNonRoot=False)),
    ("confined", lambda o: _container(o)["securityContext"].update(privileged=True)),
    ("confined", lambda o: _container(o)["securityContext"].pop("allowPrivilegeEscalation")),
    ("confined", lambda o: _container(o)["securityContext"].pop("capabilities")),
    ("confined", lambda o: _container(o)["securityContext"]["capabilities"].update(add=["NET_RAW"])),
    ("confined", lambda o: _container(o)["securityContext"].pop("readOnlyRootFilesystem")),
    ("confined", lambda o: _pod(o)["securityContext"].pop("seccompProfile")),
    ("confined", lambda o: _pod(o)["initContainers"][0].pop("securityContext")),
    ("apart-from-host", lambda o: _pod(o).update(hostNetwork=True)),
    ("apart-from-host", lambda o: _pod(o).update(hostPID=True)),
    (
        "apart-from-host",
        lambda o: _pod(o)["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
    ),
    ("apart-from-host", lambda o: _container(o)["ports"][0].update(hostPort=80)),
    ("no-needless-access", lambda o: _pod(o).pop("enableServiceLinks")),
    ("no-needless-access", lambda o: _pod(o).pop("automountServiceAccountToken")),
    ("no-secrets", lambda o: o.append(SECRET)),
    (
        "restricted-namespace",
        lambda o: _of(o, "Namespace", "namespace")["metadata"]["labels"].pop(
            "pod-security.kubernetes.io/enforce"
        ),
    ),
    ("closed-traffic", lambda o: _policy(o)["policyTypes"].pop()),
    ("closed-traffic", lambda o: _policy(o).update(egress=[{}])),
    ("closed-traffic", lambda o: _policy(o)["ingress"][0].pop("from")),
    ("closed-traffic", lambda o: _policy(o)["ingress"][0].update({"from": [{}]})),
    ("listed-images", lambda o: _container(o).update(image=image("unknown"))),
    (
        "listed-images",
        lambda o: _pod(o)["volumes"].append(
            {"name": "a", "image": {"reference": image("unknown")}}
        ),
    ),
    ("listed-images", lambda o: _list(o).update(images="")),
    ("proven-model", lambda o: _container(o).update(image=image("gateway"))),
    (
        "proven-model",
        lambda o: _server(o)["metadata"]["labels"].update({"tetrad.dev/model": "0" * 12}),
    ),
    (
        "proven-model",
        lambda o: _server(o)["spec"]["template"]["metadata"]["annotations"].pop("tetrad.dev/model"),
    ),
    ("proven-model", lambda o: _server(o)["metadata"].update(name="model-0123456789ab")),
    (
        "proven-model",
        lambda o: [_list(o).pop(key) for key in [*_list(o)] if key.startswith("model.")],
    ),
    ("proven-snapshot", lambda o: _snapshot(o).update(immutable=False)),
    ("proven-snapshot", lambda o: _snapshot(o)["metadata"].update(name="snapshot-0123456789ab")),
    (
        "proven-snapshot",
        lambda o: _snapshot(o)["metadata"]["labels"].update({"tetrad.dev/identity": "0" * 12}),
    ),
    ("proven-snapshot", lambda o: _snapshot(o)["metadata"].pop("annotations")),
    (
        "proven-snapshot",
        lambda o: [_list(o).pop(key) for key in [*_list(o)] if key.startswith("snapshot.")],
    ),
    ("listed-images", lambda o: o.remove(next(x for x in o if x["metadata"]["name"] == "tetrad-proven"))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "mutate"), MUTATIONS)
def test_each_mutation_is_caught_by_its_rule(
    rule: str, mutate: Mutation, objects: list[Object]
) -> None:
    mutate(objects)

    assert rule in {one.rule for one in violations(objects)}


def test_every_rule_has_a_mutation() -> None:
    assert {rule.name for rule in RULES} == {rule for rule, _ in MUTATIONS}


@pytest.mark.parametrize("kind", ["Pod", "CronJob"])
def test_pods_of_every_kind_are_looked_at(kind: str, objects: list[Object]) -> None:
    spec = {"containers": [{"name": "a", "image": "registry.example/a"}]}
    template = {"spec": spec}
    nested: dict[str, Any] = {
        "Pod": spec,
        "CronJob": {"jobTemplate": {"spec": {"template": template}}},
    }
    objects.append({"kind": kind, "metadata": {"name": "a"}, "spec": nested[kind]})

    assert _rules_of(objects, f"{kind}/a") >= {"images-by-digest", "not-root", "confined"}


def _rules_of(objects: list[Object], name: str) -> set[str]:
    found: Iterator[str] = (one.rule for one in violations(objects) if one.object == name)
    return set(found)
