"""Gateways as processes on the pointer of a real API server: who answers, whatever happens to it."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from control_plane import ControlPlane, started
from fakes import OpenAIServer
from gateway_processes import until
from gateways import ask, parrot
from serving_cluster import CONTEXT, Asking, ServingCluster, gateway_user

pytestmark = pytest.mark.campaign  # real servers, for minutes

pytest.importorskip("starlette", reason="needs the extra gateway")
pytest.importorskip("urllib3", reason="needs the extra gateway")

# What docs/deploy.md says that an account needs to roll back.
_ON_CALL = [
    {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["tetrad-pointer"],
     "verbs": ["get", "patch"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["list"]},
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
]  # fmt: skip
_NAMESPACES = [f"llm-{number}" for number in range(20)]
_NEXT = itertools.count()


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    accounts = ["on-call", *(gateway_user(name) for name in _NAMESPACES)]
    with started(tmp_path_factory.mktemp("plane"), strangers=accounts) as running:
        yield running


@pytest.fixture
def cluster(
    plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServingCluster]:
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig(CONTEXT)))
    monkeypatch.delenv("TETRAD_REGISTRY", raising=False)
    with OpenAIServer(answer=parrot) as upstream:
        yield ServingCluster(tmp_path, plane, _NAMESPACES[next(_NEXT)], upstream.url)


def said_by(address: str) -> str:
    found = ask(address)
    assert found.status_code == 200, found.text
    return str(found.json()["answer"]).partition(":")[0]


def readiness(address: str) -> tuple[int, str]:
    found = httpx2.get(f"{address}/readyz", timeout=10)
    return found.status_code, found.text


def wait_unready(address: str) -> str:
    until = time.monotonic() + 60
    while True:
        code, text = readiness(address)
        if code == 503:
            return text
        assert time.monotonic() < until
        time.sleep(0.2)


def test_a_rollback_returns_when_both_gateways_follow(
    cluster: ServingCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.deploy(cluster.one)
    with cluster.gateway() as first, cluster.gateway() as second:
        cluster.deploy(cluster.two, cluster.one)
        cluster.wait_for(2, count=2)
        capsys.readouterr()
        with Asking([first, second]) as asking:
            time.sleep(0.5)
            assert cluster.roll_back("--reason", "rude") == 0
            back = time.monotonic()
            time.sleep(0.5)
            until(lambda: bool(asking.after(back)))
        out = capsys.readouterr().out
        assert cluster.tetrad("status", "production") == 0
        status = capsys.readouterr().out

    assert asking.failures == []
    assert asking.mixed(cluster.names) == []
    assert asking.after(back) == {cluster.names["one"]}
    assert "2 gateways followed" in out
    assert "was withdrawn" in status
    assert status.count("follows 3, ready") == 2
    cluster.tetrad("history", "production", "--format", "json")
    changes = json.loads(capsys.readouterr().out)
    assert [one["change"]["kind"] for one in changes] == ["rollback", "deploy", "deploy"]


def test_who_is_on_call_needs_no_right_but_those_on_the_pointer(
    cluster: ServingCluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    group = "rbac.authorization.k8s.io"
    metadata = {"name": "on-call", "namespace": cluster.namespace}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": _ON_CALL}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "on-call"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "on-call"}],
    }
    assert cluster.plane.apply([role, binding]).returncode == 0
    monkeypatch.setenv("KUBECONFIG", str(cluster.plane.kubeconfig(CONTEXT, user="on-call")))
    cluster.deploy(cluster.one)
    cluster.deploy(cluster.two, cluster.one)

    assert cluster.roll_back() == 0
    assert cluster.tetrad("release", "production", "echo", "--key", cluster.key) == 0
    assert cluster.tetrad("status", "production") == 0
    assert capsys.readouterr().out.count("production 4: release by deploy") == 1


def test_a_gateway_serves_without_a_registry(cluster: ServingCluster) -> None:
    cluster.deploy(cluster.one)
    with cluster.gateway(registry=False) as address:
        cluster.wait_for(1)
        assert said_by(address) == "one"
        cluster.wait_for(cluster.deploy(cluster.two, cluster.one))
        assert said_by(address) == "two"
        assert cluster.roll_back() == 0
        assert said_by(address) == "one"


def test_what_is_put_into_the_pointer_by_hand_moves_nothing(cluster: ServingCluster) -> None:
    cluster.deploy(cluster.one)
    cluster.deploy(cluster.two, cluster.one)
    held = cluster.pointer_object()["data"]
    with cluster.gateway() as running:
        cluster.wait_for(2)
        cluster.edit_pointer({"2": None, "3": held["1"], "4": "{}"})
        time.sleep(1)
        with cluster.gateway() as begun:
            cluster.wait_for(2, count=2)
            answers = [said_by(running), said_by(begun)]
        cluster.tetrad("status", "production")
        assert cluster.roll_back() == 0
        assert said_by(running) == "one"

    assert answers == ["two", "two"]


def test_a_withdrawal_survives_whoever_applies_the_manifests(cluster: ServingCluster) -> None:
    cluster.deploy(cluster.one)
    cluster.deploy(cluster.two, cluster.one)
    with cluster.gateway() as address:
        assert cluster.roll_back() == 0
        before = cluster.pointer_object()
        for manager in ("argocd-controller", "pulumi-kubernetes"):
            cluster.apply(f"--field-manager={manager}", "--force-conflicts")
        assert said_by(address) == "one"

    after = cluster.pointer_object()
    assert after == before
    assert "tetrad-pointer" not in {o["metadata"]["name"] for o in cluster.objects()}
    withdrawn = max(after["data"], key=int)
    assert withdrawn == "3"


def test_a_gateway_that_cannot_reach_the_api_serves_on_and_turns_unready(
    cluster: ServingCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.deploy(cluster.one)
    cluster.deploy(cluster.two, cluster.one)
    with cluster.gateway() as address:
        cluster.wait_for(2)
        cluster.plane.stop()
        try:
            assert readiness(address)[0] == 200
            problem = wait_unready(address)
            assert said_by(address) == "two"
            assert cluster.roll_back() == 3
        finally:
            cluster.plane.start()
        assert "no answer from the cluster for 10 s" in problem
        assert "the API server does not answer" in capsys.readouterr().err
        cluster.wait_for(2)
        assert cluster.roll_back() == 0
        assert said_by(address) == "one"
        assert readiness(address)[0] == 200


def test_a_rollback_needs_no_registry(
    cluster: ServingCluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.deploy(cluster.one)
    cluster.deploy(cluster.two, cluster.one)
    with cluster.gateway() as address:
        cluster.wait_for(2)
        monkeypatch.setenv("TETRAD_REGISTRY", "postgresql://tetrad@127.0.0.1:9/none")
        assert cluster.roll_back() == 0
        assert said_by(address) == "one"
        err = capsys.readouterr().err
        assert "cannot tell what to revert without the registry" in err
        monkeypatch.delenv("TETRAD_REGISTRY")

    assert cluster.tetrad("history", "production") == 0
    assert capsys.readouterr().out.startswith("3 ")


def test_fifty_flips_under_load_lose_no_request(cluster: ServingCluster) -> None:
    cluster.deploy(cluster.one)
    with cluster.gateway() as first, cluster.gateway() as second:
        cluster.wait_for(1, count=2)
        flips = 0
        with Asking([first, second]) as asking:
            while flips < 50:
                cluster.wait_for(cluster.deploy(cluster.two, cluster.one), count=2)
                assert cluster.roll_back() == 0
                back = time.monotonic()
                ask(first), ask(second)
                late = {label for began, _, _, label in asking.answers if began > back}
                assert late <= {cluster.names["one"]}
                assert cluster.tetrad("release", "production", "echo", "--key", cluster.key) == 0
                flips += 2

    assert asking.failures == []
    assert asking.mixed(cluster.names) == []
    assert {label for _, _, _, label in asking.answers} == set(cluster.names.values())
