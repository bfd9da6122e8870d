"""The program of `tetrad deploy` on a real API server with simulated nodes: apply, wait, refuse."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clusters import ask, image, point_at
from control_plane import ControlPlane
from gateway_processes import until
from provisioned import Provisioned, fresh, read_until

import tetrad
from gathered import gather
from live import Live
from readiness import NotReady, awaited
from waiting import wait

pytestmark = pytest.mark.campaign  # real servers, for minutes

pytest.importorskip("pulumi", reason="needs the extra infra")


@pytest.fixture
def unapplied(plane: ControlPlane, tmp_path: Path) -> Provisioned:
    return fresh(plane, tmp_path)


@pytest.fixture
def applied(unapplied: Provisioned) -> Provisioned:
    """One that was applied, and whose pointer names what is merged."""
    unapplied.up()
    point_at(unapplied.root)
    return unapplied


def test_what_it_does_is_told_and_the_servers_are_ready_at_the_end(unapplied: Provisioned) -> None:
    told = unapplied.up()

    assert f"  + Deployment/{unapplied.server()}" in told
    assert "production: 23 created in" in told
    ready = unapplied.kubectl(
        "get", "deployment", unapplied.server(), "-o=jsonpath={.status.readyReplicas}"
    )
    assert ready == "1"
    assert not list(unapplied.root.rglob("Pulumi.production.yaml"))


def test_a_second_run_changes_nothing(applied: Provisioned) -> None:
    assert applied.drift() == []

    assert "production: no changes in" in applied.up()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"engine": {"vllm": {"image": image("missing")}}}, "server: ImagePullBackOff"),
        ({"engine": {"vllm": {"image": image("large")}}}, "server ended: OOMKilled, exit code 137"),
        ({"resources": {"nvidia.com/gpu": 99}}, "Unschedulable: 0/1 nodes are available"),
    ],
)
def test_a_server_that_cannot_become_ready_ends_it(
    change: dict[str, Any], why: str, applied: Provisioned
) -> None:
    before = applied.deployments()
    applied.change("stacks/models/large.yaml", **change)

    done = applied.run()

    assert done.returncode == tetrad.ExitCode.REFUSED
    assert "(stacks/models/large) does not become ready:" in done.stderr
    assert why in done.stderr
    assert set(before) <= set(applied.deployments())


def test_waiting_for_a_server_that_loads_can_be_interrupted(applied: Provisioned) -> None:
    applied.change(
        "stacks/models/large.yaml", engine={"vllm": {"image": image("loading")}}, load_seconds=1
    )
    command = applied.command("up")

    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=applied.environment
    ) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if line.startswith("waiting for model-"):
                break
        run.send_signal(signal.SIGINT)
        told = run.stderr.read()

    assert run.returncode == tetrad.ExitCode.INTERRUPTED
    assert told.endswith("interrupted\n")


def test_a_server_that_loads_for_longer_than_it_may_ends_it(
    applied: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", applied.environment["KUBECONFIG"])
    loading = {"engine": {"vllm": {"image": image("loading")}}, "load_seconds": 1}
    applied.change("stacks/models/large.yaml", **loading)
    with applied.begun() as run:
        read_until(run, "waiting for model-")
    desired = gather(applied.root, "production", ())
    (server,) = awaited(desired)
    told: list[str] = []

    with pytest.raises(NotReady) as refused:
        wait(Live(desired.cluster), [replace(server, within_s=1)], told.append)

    assert str(refused.value) == (
        f"{server.name} (stacks/models/large) does not become ready:\n"
        "  not ready after 1 s: Kubernetes names no reason\n"
        "  help: no traffic moved; deploy again when that is repaired"
    )
    assert refused.value.exit_code == tetrad.ExitCode.REFUSED
    assert told[0] == f"waiting for {server.name} (stacks/models/large), 0 of 1 ready"
    # twice what is declared, for verifying and for loading, and the rest of what it takes
    assert server.within_s == 304


def test_what_was_edited_by_hand_is_found_and_repaired(applied: Provisioned) -> None:
    (gateway,) = [name for name in applied.deployments() if name.startswith("gateway-")]
    spec = {"replicas": 5, "template": {"spec": {"enableServiceLinks": True}}}
    debug = {"name": "gateway", "env": [{"name": "DEBUG", "value": "1"}]}
    spec["template"]["spec"]["containers"] = [debug]  # type: ignore[index]
    applied.kubectl("patch", "deployment", gateway, "--patch", json.dumps({"spec": spec}))
    applied.kubectl("label", "deployment", applied.server(), "team=ml")
    applied.kubectl("delete", "networkpolicy", "default-deny")
    applied.kubectl("create", "deployment", "stranger", "--image", image("gateway"))

    found = {one["object"]: one for one in applied.drift()}

    assert {name: one["drift"] for name, one in found.items()} == {
        f"Deployment/{gateway}": "changed",
        f"Deployment/{applied.server()}": "changed",
        "NetworkPolicy/default-deny": "missing",
        "Deployment/stranger": "extra",
    }
    fields = {f["path"]: (f["merged"], f["live"]) for f in found[f"Deployment/{gateway}"]["fields"]}
    added = fields.pop("spec.template.spec.containers[gateway].env[DEBUG]")
    assert fields == {
        "spec.replicas": ("2", "5"),
        "spec.template.spec.enableServiceLinks": ("false", "true"),
    }
    assert added[0] is None

    applied.up()

    assert [one["object"] for one in applied.drift()] == ["Deployment/stranger"]


def test_what_somebody_put_into_the_namespace_is_found(applied: Provisioned) -> None:
    strangers = [*_strangers(applied.namespace)]
    assert applied.plane.apply(strangers).returncode == 0
    named = sorted(f"{one['kind']}/{one['metadata']['name']}" for one in strangers)

    found = {one["object"]: one["drift"] for one in applied.drift()}
    on_call = next(one for one in strangers if one["kind"] == "Role")
    access = applied.root / "infra/access/people.yaml"
    access.parent.mkdir()
    access.write_text(json.dumps({**on_call, "rules": on_call["rules"][:1]}))
    given = {one["object"]: one for one in applied.drift()}

    assert found == dict.fromkeys(named, "extra")
    wider = given.pop("Role/stranger")
    assert wider["drift"] == "changed"
    assert [field["path"] for field in wider["fields"]] == ["rules[1]"]
    assert sorted([*given, "Role/stranger"]) == named


def _strangers(namespace: str) -> Iterator[Any]:
    """One of each kind that runs something, grants a right, or leads traffic somewhere."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod = {
        "restartPolicy": "Always",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "a", "image": image("gateway"), "securityContext": security}],
    }
    selector = {"matchLabels": {"a": "b"}}
    running = {"replicas": 1, "selector": selector, "template": _template(pod)}
    once = _template({**pod, "restartPolicy": "Never"})
    rights = "rbac.authorization.k8s.io"
    backend = {"service": {"name": "stranger", "port": {"number": 80}}}
    objects: dict[tuple[str, str], Any] = {
        ("v1", "Pod"): {"spec": pod},
        ("v1", "ReplicationController"): {"spec": {**running, "selector": {"a": "b"}}},
        ("apps/v1", "ReplicaSet"): {"spec": running},
        ("apps/v1", "Deployment"): {"spec": running},
        ("apps/v1", "StatefulSet"): {"spec": {**running, "serviceName": "stranger"}},
        ("apps/v1", "DaemonSet"): {"spec": {"selector": selector, "template": _template(pod)}},
        ("batch/v1", "Job"): {"spec": {"template": once}},
        ("batch/v1", "CronJob"): {
            "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": once}}}
        },
        (f"{rights}/v1", "Role"): {
            "rules": [
                {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
                {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
            ]
        },
        (f"{rights}/v1", "RoleBinding"): {
            "roleRef": {"apiGroup": rights, "kind": "Role", "name": "stranger"},
            "subjects": [{"kind": "ServiceAccount", "name": "stranger", "namespace": namespace}],
        },
        ("v1", "ServiceAccount"): {},
        ("v1", "Service"): {"spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}},
        ("discovery.k8s.io/v1", "EndpointSlice"): {"addressType": "IPv4", "endpoints": []},
        ("networking.k8s.io/v1", "NetworkPolicy"): {"spec": {"podSelector": {}}},
        ("networking.k8s.io/v1", "Ingress"): {"spec": {"defaultBackend": backend}},
    }
    for (version, kind), said in objects.items():
        metadata = {"name": "stranger", "namespace": namespace}
        yield {"apiVersion": version, "kind": kind, "metadata": metadata, **said}


def _template(pod: Any) -> Any:
    return {"metadata": {"labels": {"a": "b"}}, "spec": pod}


def test_what_a_controller_owns_is_left_to_it(applied: Provisioned) -> None:
    name = applied.server()
    tracked = "argocd.argoproj.io/tracking-id=desk:apps/Deployment"
    applied.kubectl("annotate", "deployment", name, tracked)
    ask(applied.root, "Please:")

    done, checked = applied.run(), applied.run("check")

    assert done.returncode == tetrad.ExitCode.REFUSED
    assert done.stderr.startswith(f"Argo CD owns Deployment/{name}: nothing was applied")
    assert checked.returncode == tetrad.ExitCode.REFUSED
    assert "ConfigMap/snapshot-" in checked.stderr
    ask(applied.root, "")
    assert applied.run("check").returncode == 0


def test_what_a_controller_would_change_is_previewed_by_the_cluster_alone(
    applied: Provisioned,
) -> None:
    name, track = applied.server(), "argocd.argoproj.io/tracking-id=desk:apps/Deployment"
    applied.kubectl("create", "deployment", "left", "--image", image("gateway"))
    applied.kubectl("create", "deployment", "stranger", "--image", image("gateway"))
    applied.kubectl("scale", "deployment", name, "--replicas=3")
    for tracked in (name, "left"):
        applied.kubectl("annotate", "deployment", tracked, track)
    ask(applied.root, "Please:")
    before = applied.deployments()
    del applied.environment["PULUMI_BACKEND_URL"]

    done = applied.run("preview")

    assert done.returncode == 0, done.stderr
    first, *others = done.stdout.splitlines()
    assert first == "production: 1 to create, 2 to update, 1 to delete"
    assert f"  ~ Deployment/{name}" in others
    assert "      spec.replicas: 3 → 1" in others
    assert "  - Deployment/left" in others
    assert others[-1] == (
        f"Argo CD owns Deployment/{name}: it applies this from what `tetrad render production` writes"
    )
    assert applied.deployments() == before


def test_a_preview_without_pulumi_says_the_same(applied: Provisioned) -> None:
    applied.change("stacks/models/large.yaml", resources={"nvidia.com/gpu": 4})
    ask(applied.root, "Please:")
    applied.kubectl("delete", "networkpolicy", "default-deny")
    asked = applied.run("preview")
    del applied.environment["PULUMI_BACKEND_URL"]

    compared = applied.run("compare")

    assert compared.returncode == 0, compared.stderr
    assert sorted(compared.stdout.splitlines()) == sorted(asked.stdout.splitlines())


def test_a_preview_says_what_would_change_and_changes_nothing(applied: Provisioned) -> None:
    applied.change("stacks/models/large.yaml", resources={"nvidia.com/gpu": 99})
    ask(applied.root, "Please:")
    before = applied.deployments()

    done = applied.run("preview")

    assert done.returncode == 0, done.stderr
    assert applied.deployments() == before
    assert "production: 1 to create, 2 to update" in done.stdout
    assert "  ~ ConfigMap/tetrad-proven\n      data[snapshot." in done.stdout
    assert "model servers: $144,540.00 per month" in done.stdout
    assert "warning: model-" in done.stderr
    assert "no node has room for 1 of 1 pods, after 1 that run now have ended" in done.stderr


def test_an_apply_that_was_killed_is_completed_by_the_next(unapplied: Provisioned) -> None:
    for seen in ("+ ConfigMap/tetrad-proven", "+ Deployment/model-", "+ Deployment/gateway-"):
        with unapplied.begun() as run:
            read_until(run, seen)

    unapplied.up()

    assert unapplied.drift() == []
    assert "production: no changes in" in unapplied.up()


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc")
def test_nothing_runs_on_when_an_apply_was_killed(unapplied: Provisioned) -> None:
    with unapplied.begun() as run:
        read_until(run, "+ Deployment/gateway-")
        assert len(unapplied.processes()) > 2

    until(lambda: not unapplied.processes())


def test_two_applies_at_once_take_turns(unapplied: Provisioned) -> None:
    with unapplied.begun() as first:
        read_until(first, "+ ")
        os.killpg(first.pid, signal.SIGSTOP)
        with unapplied.begun() as second:
            read_until(second, "warning: waiting for ")
            os.killpg(first.pid, signal.SIGCONT)
            for run in (first, second):
                assert run.stderr is not None
                told = run.stderr.read()
                assert run.wait() == 0, told

    assert unapplied.drift() == []


def test_a_machine_that_disappeared_is_followed_by_the_next(applied: Provisioned) -> None:
    killed_elsewhere(applied)
    renewed = {"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}}
    applied.kubectl("patch", "lease", "tetrad-apply", "--type=merge", "-p", json.dumps(renewed))

    told = applied.up()

    assert "@elsewhere (pid " in told
    assert "is gone: this takes its place" in told
    assert applied.drift() == []
    assert not list(locks(applied))


def test_a_lock_of_somebody_else_is_named_with_the_command_that_removes_it(
    applied: Provisioned,
) -> None:
    killed_elsewhere(applied)
    applied.kubectl("delete", "lease", "tetrad-apply")  # as if by `pulumi up`, which takes none

    done = applied.run()

    assert done.returncode == tetrad.ExitCode.INCONCLUSIVE
    lock, who, help_ = done.stderr.strip().splitlines()[-3:]
    assert lock.startswith("Pulumi's lock on the stack production stands: ")
    assert re.fullmatch(r"  file:\S+: created by \S+@elsewhere \(pid \d+\) at 20\S+", who)
    command = help_.rpartition(": ")[2]
    subprocess.run(
        command.split(), check=True, capture_output=True, cwd=applied.root, env=applied.environment
    )
    applied.up()
    assert applied.drift() == []


def locks(where: Provisioned) -> Iterator[Path]:
    """The locks of Pulumi in the folder of its state."""
    folder = Path(where.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    return folder.glob(".pulumi/locks/**/*.json")


def killed_elsewhere(where: Provisioned) -> None:
    """Kill an apply, and let what it leaves be that of another machine."""
    ask(where.root, "Please:")
    with where.begun() as run:
        read_until(run, "+ ConfigMap/snapshot-")
    here, there = f"@{socket.gethostname()} ", "@elsewhere "
    for lock in locks(where):
        text = lock.read_text()
        assert socket.gethostname() in text
        lock.write_text(text.replace(socket.gethostname(), "elsewhere"))
    lease = where.plane.get("lease", "tetrad-apply", "--namespace", where.namespace)
    holder = lease["spec"]["holderIdentity"].replace(here, there)
    patch = json.dumps({"spec": {"holderIdentity": holder}})
    where.kubectl("patch", "lease", "tetrad-apply", "--type=merge", "-p", patch)


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ("PULUMI_CONFIG_PASSPHRASE", "help: export PULUMI_CONFIG_PASSPHRASE="),
        ("PULUMI_BACKEND_URL", "help: export PULUMI_BACKEND_URL="),
        ("KUBECONFIG", "the kubeconfig has no context 'prod'"),
    ],
)
def test_what_pulumi_lacks_is_said_with_what_to_do(
    without: str, told: str, unapplied: Provisioned
) -> None:
    del unapplied.environment[without]

    done = unapplied.run()

    assert done.returncode == tetrad.ExitCode.MISUSE, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
