"""The program of `tetrad deploy` on a real API server with simulated nodes: apply, wait, refuse."""

from __future__ import annotations

import copy
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from clusters import SMALL, ask, clustered, image, point_at
from control_plane import ControlPlane, definitions_in, programs, started
from simulated import kubeconfig, simulated

import tetrad

pytestmark = pytest.mark.campaign  # real servers, for minutes

pytest.importorskip("pulumi", reason="needs the extra infra")

ROOT = Path(__file__).parents[2]
CRDS = Path(__file__).parent / "crds"
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    if not (programs() / "pulumi").exists():
        pytest.skip("KUBEBUILDER_ASSETS has no pulumi")
    folder = tmp_path_factory.mktemp("plane")
    with started(folder) as plane:
        assert plane.apply(definitions_in(CRDS)).returncode == 0
        with simulated(plane, folder):
            yield plane


@dataclass(frozen=True)
class Applied:
    """A repository, and the namespace that it is applied to."""

    root: Path
    plane: ControlPlane
    namespace: str
    environment: dict[str, str]

    def run(self, how: str = "up", program: str = "apply.py") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(how, program),
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            timeout=300,
        )

    def command(self, how: str, program: str = "apply.py") -> list[str]:
        arguments = [str(self.root), "production", *([how] if program == "apply.py" else [])]
        return [sys.executable, str(ROOT / "infra" / program), *arguments]

    def up(self) -> str:
        """What it told."""
        done = self.run()
        assert done.returncode == 0, done.stderr
        return done.stderr

    def drift(self) -> list[Any]:
        done = self.run(program="drift.py")
        assert done.returncode == 0, done.stderr
        found: list[Any] = json.loads(done.stdout)
        return found

    def kubectl(self, *arguments: str) -> str:
        done = self.plane.kubectl("--namespace", self.namespace, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def change(self, path: str, **values: Any) -> None:
        file = self.root / path
        file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **values}))

    def deployments(self) -> list[str]:
        found = self.plane.get("deployments", "--namespace", self.namespace)["items"]
        return [one["metadata"]["name"] for one in found]

    def server(self) -> str:
        (name,) = [name for name in self.deployments() if name.startswith("model-")]
        return name


@pytest.fixture
def fresh(plane: ControlPlane, tmp_path: Path) -> Applied:
    """An environment that nothing was applied to."""
    namespace = f"llm-{next(_NUMBERS)}"
    environment = copy.deepcopy(SMALL)
    environment["kubernetes"]["namespace"] = namespace
    environment["kubernetes"]["usd_per_hour"] = {"nvidia.com/gpu": 2.0}
    weights = f"oci://{image('weights')}"
    root = clustered(tmp_path / "repository", environment, load_seconds=5, source=weights)
    (root / ".git").mkdir()
    return Applied(root, plane, namespace, surroundings(plane, tmp_path))


@pytest.fixture
def applied(fresh: Applied) -> Applied:
    """One that was applied, and whose pointer names what is merged."""
    fresh.up()
    point_at(fresh.root)
    return fresh


def surroundings(plane: ControlPlane, folder: Path) -> dict[str, str]:
    """A kubeconfig, a backend, and a provider where none is installed."""
    (folder / "kubeconfig").write_text(json.dumps(kubeconfig(plane, "prod")))
    (folder / "state").mkdir()
    path = [str(plane.programs), os.environ["PATH"]]
    if shutil.which("pulumi-resource-kubernetes") is None:
        standin = folder / "bin/pulumi-resource-kubernetes"
        standin.parent.mkdir()
        program = ROOT / "tests/standin_provider.py"
        standin.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')
        standin.chmod(0o755)
        path.insert(0, str(standin.parent))
    return {
        **os.environ,
        "PATH": os.pathsep.join(path),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "PULUMI_HOME": str(folder / "pulumi"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "only for tests",
    }


def test_what_it_does_is_told_and_the_servers_are_ready_at_the_end(fresh: Applied) -> None:
    told = fresh.up()

    assert f"  + Deployment/{fresh.server()}" in told
    assert "production: 21 created in" in told
    ready = fresh.kubectl(
        "get", "deployment", fresh.server(), "-o=jsonpath={.status.readyReplicas}"
    )
    assert ready == "1"
    assert not list(fresh.root.rglob("Pulumi.production.yaml"))


def test_a_second_run_changes_nothing(applied: Applied) -> None:
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
    change: dict[str, Any], why: str, applied: Applied
) -> None:
    before = applied.deployments()
    applied.change("stacks/models/large.yaml", **change)

    done = applied.run()

    assert done.returncode == tetrad.ExitCode.REFUSED
    assert "(stacks/models/large) does not become ready:" in done.stderr
    assert why in done.stderr
    assert set(before) <= set(applied.deployments())


def test_a_server_that_loads_for_longer_than_it_says_ends_it(applied: Applied) -> None:
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
    assert "no traffic moved" in told


def test_what_was_edited_by_hand_is_found_and_repaired(applied: Applied) -> None:
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


def test_what_a_controller_owns_is_left_to_it(applied: Applied) -> None:
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


def test_a_preview_says_what_would_change_and_changes_nothing(applied: Applied) -> None:
    applied.change("stacks/models/large.yaml", resources={"nvidia.com/gpu": 99})
    ask(applied.root, "Please:")
    before = applied.deployments()

    done = applied.run("preview")

    assert done.returncode == 0, done.stderr
    assert applied.deployments() == before
    assert "production: 1 to create, 1 to update" in done.stdout
    assert "  ~ ConfigMap/tetrad-proven\n      data.snapshot." in done.stdout
    assert "model servers: $144,540.00 per month" in done.stdout
    assert "warning: model-" in done.stderr


def test_an_apply_that_was_killed_is_completed_by_the_next(fresh: Applied) -> None:
    for seen in ("+ ConfigMap/tetrad-proven", "+ Deployment/model-", "+ Deployment/gateway-"):
        command = fresh.command("up")
        run = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            env=fresh.environment,
            start_new_session=True,
        )
        assert run.stderr is not None
        for line in run.stderr:
            if seen in line:
                break
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        run.stderr.close()

    fresh.up()

    assert fresh.drift() == []
    assert "production: no changes in" in fresh.up()


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ("PULUMI_CONFIG_PASSPHRASE", "help: export PULUMI_CONFIG_PASSPHRASE="),
        ("PULUMI_BACKEND_URL", "help: export PULUMI_BACKEND_URL="),
        ("KUBECONFIG", "the kubeconfig has no context 'prod'"),
    ],
)
def test_what_pulumi_lacks_is_said_with_what_to_do(without: str, told: str, fresh: Applied) -> None:
    del fresh.environment[without]

    done = fresh.run()

    assert done.returncode == tetrad.ExitCode.MISUSE, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
