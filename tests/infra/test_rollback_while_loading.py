"""A rollback while what was merged last loads for ten minutes: nobody waits for that."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from clusters import ENVIRONMENT, image
from control_plane import ControlPlane, started
from fakes import Asked, OpenAIServer, Reply
from gateway_processes import until
from gateways import FILES, parrot
from serving_cluster import CONTEXT, Asking, ServingCluster, gateway_user
from simulated import simulated

pytestmark = pytest.mark.campaign  # real servers, for minutes

pytest.importorskip("starlette", reason="needs the extra gateway")
pytest.importorskip("urllib3", reason="needs the extra gateway")

_LOADS_S = 600
_NAMESPACES = ["llm-0", "llm-1"]
_NEXT = itertools.count()
# By a model whose server runs in the cluster, and is not ready for ten minutes.
_SLOW = {
    **FILES,
    "stacks/echo.yaml": FILES["stacks/echo.yaml"].replace("models/server", "models/slow"),
    "stacks/models/slow.yaml": FILES["stacks/models/server.yaml"] + f"load_seconds: {_LOADS_S}\n",
}


class Loading:
    """A model server that has loaded the third version only ten minutes after it was asked first."""

    def __init__(self) -> None:
        self.since: float | None = None

    @property
    def is_over(self) -> bool:
        return self.since is not None and time.monotonic() - self.since > _LOADS_S

    def __call__(self, asked: Asked) -> Reply:
        reply = parrot(asked)
        if not reply.text.startswith("three"):
            return reply
        self.since = self.since or time.monotonic()
        return reply if self.is_over else Reply(status=503, error={"message": "loading"})


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    folder = tmp_path_factory.mktemp("plane")
    accounts = [gateway_user(name) for name in _NAMESPACES]
    with started(folder, strangers=accounts) as running, simulated(running, folder):
        yield running


@pytest.fixture
def loading() -> Loading:
    return Loading()


@pytest.fixture
def cluster(
    plane: ControlPlane, tmp_path: Path, loading: Loading, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServingCluster]:
    """One whose version two is live, and whose version one is warm."""
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig(CONTEXT)))
    with OpenAIServer(answer=loading) as upstream:
        made = ServingCluster(tmp_path, plane, _NAMESPACES[next(_NEXT)], upstream.url)
        for version in ("one", "two"):
            made.merge(version)
            assert made.roll_out() == 0
        yield made


@contextmanager
def deploying(cluster: ServingCluster) -> Iterator[subprocess.Popen[str]]:
    """A deployment of what is merged, which is under way."""
    arguments = ["deploy", "production", "--no-apply", "--key", cluster.key]
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "tetrad", "--root", str(cluster.root), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_line(process: subprocess.Popen[str], pattern: str) -> None:
    assert process.stdout is not None
    told = []
    for line in process.stdout:
        told.append(line)
        if re.search(pattern, line):
            return
    raise AssertionError("".join(told))


def test_a_rollback_is_followed_while_a_new_model_server_loads(
    cluster: ServingCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = cluster.names["one"], cluster.names["two"]
    environment = cluster.root / ENVIRONMENT
    document = yaml.safe_load(environment.read_text())
    document["models"] = {"stacks/models/slow": {"server": {"image": image("loading")}}}
    environment.write_text(yaml.safe_dump(document))
    cluster.merge("three", _SLOW)
    with (
        cluster.gateway() as first,
        cluster.gateway() as second,
        deploying(cluster) as deployment,
    ):
        cluster.wait_for(2, count=2)
        wait_for_line(deployment, r"^waiting for model-\w+ \(stacks/models/slow\), 0 of 1 ready")
        capsys.readouterr()
        with Asking([first, second]) as asking:
            until(lambda: {identity for _, _, identity in asking.live} == {two})
            assert cluster.roll_back() == 0
            back = time.monotonic()
            time.sleep(0.5)
            until(lambda: bool(asking.after(back)))
        is_waiting = deployment.poll() is None
        pods = cluster.plane.get(
            "pods", "--namespace", cluster.namespace,
            "-l=app.kubernetes.io/component=model-server",
        )["items"]  # fmt: skip

    assert is_waiting
    assert [pod["status"]["phase"] for pod in pods] == ["Pending"]
    assert "2 gateways followed" in capsys.readouterr().out
    assert asking.failures == []
    assert asking.mixed(cluster.names) == []
    assert asking.after(back) == {one}


def test_a_rollback_is_followed_while_gateways_load_the_identity_that_it_withdraws(
    cluster: ServingCluster, loading: Loading, capsys: pytest.CaptureFixture[str]
) -> None:
    two = cluster.names["two"]
    cluster.merge("three", rollout={"steps": [50, 100], "pause_s": 3600})
    with (
        cluster.gateway() as first,
        cluster.gateway() as second,
    ):
        cluster.wait_for(2, count=2)
        with deploying(cluster) as deployment, Asking([first, second]) as asking:
            until(lambda: cluster.pointed()["number"] == 3 and loading.since is not None)
            capsys.readouterr()
            assert cluster.roll_back("--reason", "too slow") == 0
            back = time.monotonic()
            wait_for_line(deployment, r": aborted: withdrawn on .* by deploy: too slow")
            code = deployment.wait()
            until(lambda: bool(asking.after(back)))

    assert not loading.is_over
    assert code == 1
    assert "2 gateways followed" in capsys.readouterr().out
    assert asking.failures == []
    assert {label for _, _, _, label in asking.answers} == {two}
    assert asking.after(back) == {two}
    withdrawn = cluster.pointed()["stacks"]["stacks/echo"]["withdrawn"]
    assert len(withdrawn) == 1
