"""Every object of every example is one that Kubernetes knows, field by field, and is served safely."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from clusters import EXAMPLES, SMALL, VLLM, clustered, desired_of, example, image
from jsonschema import Draft202012Validator

import tetrad
from desired import Desired
from objects.everything import object_groups
from objects.kubernetes import COMPONENT, Object
from tetrad.cli import main

kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="needs the extra dev")

CRDS = Path(__file__).parent / "crds"
VERSION = "1.36"  # of Kubernetes


@cache
def objects_of(folder: Path, name: str) -> tuple[Object, ...]:
    return everything(example(folder, name))


def everything(desired: Desired) -> tuple[Object, ...]:
    return tuple(obj for group in object_groups(desired).values() for obj in group)


@pytest.fixture(params=EXAMPLES)
def objects(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Object, ...]:
    folder = tmp_path_factory.getbasetemp() / f"cluster-{request.param}"
    return objects_of(folder, request.param)


@pytest.fixture
def full(tmp_path_factory: pytest.TempPathFactory) -> tuple[Object, ...]:
    return objects_of(tmp_path_factory.getbasetemp() / "cluster-full", "full")


def problems_of(obj: Object) -> list[str]:
    """What of an object its schema refuses; that of a kind nobody knows is a failure, too."""
    group, _, version = obj["apiVersion"].rpartition("/")
    crd = CRDS / f"{group}_{version}_{obj['kind']}.json"
    if crd.exists():
        validator = Draft202012Validator(strict(json.loads(crd.read_text())))
        return [error.message for error in validator.iter_errors(obj)]
    try:
        kubernetes_validate.validate(obj, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [str(error.message)]
    except kubernetes_validate.SchemaNotFoundError:
        return [f"{obj['apiVersion']} {obj['kind']} is no kind that Kubernetes {VERSION} knows"]
    return []


def strict(schema: Any) -> Any:
    """A structural schema that refuses what the API server would drop."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(part) for key, part in schema.items()}
    closed = "properties" in found and "additionalProperties" not in found
    if closed and found.get("type") == "object" and found["properties"].get("spec") is None:
        found["additionalProperties"] = bool(found.get("x-kubernetes-preserve-unknown-fields"))
    if found.pop("nullable", False):
        found["type"] = [found["type"], "null"]
    if found.get("properties", {}).get("metadata") == {"type": "object"}:
        found["properties"]["metadata"] = True
    return found


def pods(objects: tuple[Object, ...]) -> Iterator[tuple[Object, Object]]:
    """Every workload with the specification of its pods."""
    for obj in objects:
        if "template" in obj.get("spec", {}):
            yield obj, obj["spec"]["template"]["spec"]


def of_kind(objects: tuple[Object, ...], kind: str) -> list[Object]:
    return [obj for obj in objects if obj["kind"] == kind]


def named(objects: tuple[Object, ...], kind: str, name: str) -> Object:
    (found,) = [o for o in of_kind(objects, kind) if o["metadata"]["name"].startswith(name)]
    return found


def test_every_object_is_valid(objects: tuple[Object, ...]) -> None:
    told = [
        f"{obj['kind']} {obj['metadata']['name']}: {problem}"
        for obj in objects
        for problem in problems_of(obj)
    ]

    assert told == []


@pytest.mark.parametrize(
    "obj",
    [
        {"apiVersion": "v1", "kind": "Pots", "metadata": {"name": "a"}},
        {"apiVersion": "apps/v9", "kind": "Deployment", "metadata": {"name": "a"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "dat": {}},
        {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "spec": {"trigger": []}},
        {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObjects", "spec": {}},
    ],
)
def test_what_kubernetes_does_not_know_is_a_failure(obj: Object) -> None:
    assert problems_of(obj)


def test_every_object_is_there_once(objects: tuple[Object, ...]) -> None:
    keys = [(obj["kind"], obj["metadata"]["name"]) for obj in objects]

    assert len(keys) == len(set(keys))


def test_every_object_names_its_environment_and_component(objects: tuple[Object, ...]) -> None:
    for obj in objects:
        labels = obj["metadata"]["labels"]

        assert labels["tetrad.dev/environment"] == "production"
        assert labels[COMPONENT]


def test_every_pod_is_restricted(objects: tuple[Object, ...]) -> None:
    for _, pod in pods(objects):
        assert pod["automountServiceAccountToken"] == ("serviceAccountName" in pod)
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            security = container["securityContext"]

            assert security["capabilities"] == {"drop": ["ALL"]}
            assert security["readOnlyRootFilesystem"]
            assert not security["allowPrivilegeEscalation"]


def test_every_image_is_named_by_its_digest(objects: tuple[Object, ...]) -> None:
    images = [
        c["image"]
        for _, pod in pods(objects)
        for c in (*pod["containers"], *pod.get("initContainers", ()))
    ]

    assert images
    assert all("@sha256:" in name for name in images)


def test_no_secret_is_in_the_clear(full: tuple[Object, ...]) -> None:
    assert of_kind(full, "Secret") == []
    variables = [v for _, pod in pods(full) for c in pod["containers"] for v in c.get("env", ())]
    from_secrets = {v["name"] for v in variables if "valueFrom" in v}

    assert from_secrets == {
        "LLM_KEY", "POSTGRES_PASSWORD", "RUNNER_TOKEN", "TETRAD_REGISTRY", "TETRAD_VECTOR_STORE_PASSWORD",
    }  # fmt: skip


def test_nothing_is_reached_that_is_not_allowed(full: tuple[Object, ...]) -> None:
    policies = {o["metadata"]["name"]: o["spec"] for o in of_kind(full, "NetworkPolicy")}

    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert "egress" not in policies["model-server"]
    assert "egress" not in policies["vector-store"]
    assert [part for rule in policies["runner"]["egress"][1:] for part in rule["to"]] == [
        {"ipBlock": {"cidr": "192.0.2.0/24"}}
    ]
    assert set(policies) == {
        "default-deny", "model-server", "vector-store", "index", "gateway", "collector", "runner",
    }  # fmt: skip


def test_a_server_has_the_time_that_loading_takes(full: tuple[Object, ...]) -> None:
    (server,) = [
        pod["containers"][0]
        for obj, pod in pods(full)
        if obj["metadata"].get("annotations", {}).get("tetrad.dev/reference")
        == "stacks/models/large"
    ]
    startup = server["startupProbe"]

    assert startup["periodSeconds"] * startup["failureThreshold"] >= 2 * 240
    assert [server[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")] == [
        "/health", "/health", "/health",
    ]  # fmt: skip


def test_an_update_of_a_server_waits_for_no_gpu_more(objects: tuple[Object, ...]) -> None:
    for obj, _ in pods(objects):
        if obj["metadata"]["labels"][COMPONENT] == "model-server":
            assert obj["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_grace_is_longer_than_a_request_and_the_drain_before_it(
    objects: tuple[Object, ...],
) -> None:
    for _, pod in pods(objects):
        for container in pod["containers"]:
            if "lifecycle" in container:
                drain = container["lifecycle"]["preStop"]["sleep"]["seconds"]

                assert pod["terminationGracePeriodSeconds"] >= drain + 60


@pytest.mark.parametrize("timeout_s", [1, 60, 600])
def test_a_gateway_is_not_killed_while_it_may_answer(tmp_path: Path, timeout_s: int) -> None:
    engine = {"vllm": {**VLLM["vllm"], "timeout_s": timeout_s}}
    found = desired_of(clustered(tmp_path, SMALL, engine=engine))
    pod = pod_of_gateway(found)
    drain = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    (stack,) = tetrad.load_repository(tmp_path).stacks.values()

    assert pod["terminationGracePeriodSeconds"] > drain + tetrad.longest_answer_s(stack)


def test_gateways_stay_as_they_are_where_an_answer_may_take_a_little_longer(tmp_path: Path) -> None:
    found = []
    for timeout_s in (60, 61):
        engine = {"vllm": {**VLLM["vllm"], "timeout_s": timeout_s}}
        folder = tmp_path / str(timeout_s)
        found.append(pod_of_gateway(desired_of(clustered(folder, SMALL, engine=engine))))

    assert found[0] == found[1]


def test_an_environment_may_let_gateways_end_sooner(tmp_path: Path) -> None:
    found = [
        pod_of_gateway(
            desired_of(clustered(tmp_path / str(s), {**SMALL, "retain": {"grace_s": s}}))
        )
        for s in (5, 45.5)
    ]
    ends = [pod["terminationGracePeriodSeconds"] for pod in found]

    assert ends[1] - ends[0] == 41


def pod_of_gateway(desired: Desired) -> Object:
    (pod,) = [
        pod
        for obj, pod in pods(everything(desired))
        if obj["metadata"]["labels"][COMPONENT] == "gateway"
    ]
    return pod


def test_autoscaled_servers_do_not_say_how_many_they_are(full: tuple[Object, ...]) -> None:
    scaled = {
        o["spec"]["scaleTargetRef"]["name"]
        for o in (*of_kind(full, "ScaledObject"), *of_kind(full, "HorizontalPodAutoscaler"))
    }
    counted = {
        o["metadata"]["name"] for o in of_kind(full, "Deployment") if "replicas" in o["spec"]
    }

    assert len(scaled) == 2
    assert scaled & counted == set()


def test_scaling_down_waits_for_longer_than_a_server_loads(full: tuple[Object, ...]) -> None:
    (scaled,) = of_kind(full, "ScaledObject")

    assert scaled["spec"]["cooldownPeriod"] > 240
    trigger = scaled["spec"]["triggers"][0]["metadata"]
    assert "vllm:num_requests_waiting" in trigger["query"]
    assert f'pod=~"{scaled["spec"]["scaleTargetRef"]["name"]}-' in trigger["query"]
    # what is not measured is not taken for a queue that nobody waits in
    assert "vector(0)" not in trigger["query"]
    assert trigger["ignoreNullValues"] == "false"


def test_a_server_without_arguments_and_sizes_says_nothing_that_no_api_server_keeps(
    tmp_path: Path,
) -> None:
    hosted = {"stacks/models/vendor": {"server": {"image": image("sglang")}}}
    desired = desired_of(clustered(tmp_path, {**SMALL, "models": hosted}, ["vendor"]))

    (server,) = [one for one in everything(desired) if one["metadata"]["name"].startswith("model-")
                 and one["kind"] == "Deployment"]  # fmt: skip
    (container,) = server["spec"]["template"]["spec"]["containers"]
    assert "args" not in container
    assert container["resources"] == {}


def test_weights_are_verified_before_their_server_starts(full: tuple[Object, ...]) -> None:
    servers = [pod for o, pod in pods(full) if o["metadata"]["labels"][COMPONENT] == "model-server"]

    assert [[c["name"] for c in pod["initContainers"]] for pod in servers] == [
        ["verify-weights"]
    ] * 3
    for pod in servers:
        mounts = pod["initContainers"][0]["volumeMounts"]
        assert {"name": "weights", "mountPath": "/weights", "readOnly": True} in [
            {key: value for key, value in mount.items() if key != "subPath"} for mount in mounts
        ]


def test_weights_and_adapters_from_a_registry_are_mounted_as_images(
    full: tuple[Object, ...],
) -> None:
    mounted = [
        v["image"]["reference"]
        for _, pod in pods(full)
        for v in pod.get("volumes", ())
        if "image" in v
    ]

    assert mounted == [image("slice"), image("adapter")]


def test_a_route_shares_requests_between_releases_by_their_weights(
    full: tuple[Object, ...],
) -> None:
    (route,) = of_kind(full, "HTTPRoute")
    backends = route["spec"]["rules"][0]["backendRefs"]

    assert [(b["name"], b["weight"]) for b in backends] == [
        ("gateway-0-1-0", 9),
        ("gateway-0-2-0", 1),
    ]


def test_no_gateway_mounts_a_snapshot(full: tuple[Object, ...]) -> None:
    gateways = [pod for o, pod in pods(full) if o["metadata"]["labels"][COMPONENT] == "gateway"]
    mounted = [v.get("configMap", {}).get("name", "") for pod in gateways for v in pod["volumes"]]

    assert [name for name in mounted if name.startswith(("snapshot", "bundle"))] == []
    leases = ["create", "delete", "list", "patch"]
    assert of_kind(full, "Role")[0]["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": leases},
    ]


def test_gateways_are_given_the_deployers_and_nothing_else_of_the_repository(
    tmp_path: Path,
) -> None:
    root = clustered(tmp_path / "repository", SMALL)
    (root / ".git").mkdir()
    signers = {}
    for name, role in (("ci", "evaluator"), ("deploy", "deployer")):
        private = str(tmp_path / f"{name}.pem")
        assert main(["-C", str(root), "keys", "new", name, "--private", private]) == 0
        signers[name] = {"ed25519": f"infra/keys/{name}.pub", "role": role}
    clustered(root, {**SMALL, "signers": signers})
    trusted = named(everything(desired_of(root)), "ConfigMap", "trusted")
    (pod,) = [
        pod
        for o, pod in pods(everything(desired_of(root)))
        if o["metadata"]["labels"][COMPONENT] == "gateway"
    ]
    (volume,) = [v["configMap"] for v in pod["volumes"] if v["name"] == "trusted"]
    for item in volume["items"]:
        file = tmp_path / "mounted" / item["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(trusted["data"][item["key"]])

    environment = tetrad.environment_of(tetrad.load_repository(tmp_path / "mounted"), "production")

    (deployer,) = environment.signers.values()
    original = tetrad.environment_of(tetrad.load_repository(root), "production")
    assert volume["name"] == trusted["metadata"]["name"]
    assert deployer == original.signers["deploy"]


def test_nothing_says_which_identity_answers(objects: tuple[Object, ...]) -> None:
    assert [o for o in objects if "pointer" in o["metadata"]["name"]] == []


def test_snapshots_are_immutable_and_say_what_they_are(full: tuple[Object, ...]) -> None:
    snapshots = [o for o in full if o["metadata"]["labels"][COMPONENT] == "snapshot"]
    listed = named(full, "ConfigMap", "tetrad-proven")["data"]

    assert len(snapshots) == 5
    for obj in snapshots:
        told = obj["metadata"]["annotations"]

        assert obj["immutable"]
        assert listed[f"snapshot.{told['tetrad.dev/snapshot'][7:]}"] == told["tetrad.dev/identity"]
