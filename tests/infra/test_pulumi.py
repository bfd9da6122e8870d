"""The program by Pulumi's engine on a real API server. Nothing runs there: objects come and go."""

from __future__ import annotations

import copy
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from clusters import SMALL, ask, clustered, point_at
from control_plane import ControlPlane, definitions_in, programs, started
from provisioned import surroundings

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
    with started(tmp_path_factory.mktemp("plane")) as plane:
        assert plane.apply(definitions_in(CRDS)).returncode == 0
        yield plane


@dataclass(frozen=True)
class Provisioned:
    """A repository, and the namespace that the program provisions from it."""

    root: Path
    plane: ControlPlane
    namespace: str
    environment: dict[str, str]

    def run(self, command: str = "up") -> subprocess.CompletedProcess[str]:
        program = [sys.executable, str(ROOT / "tests/applied_by_pulumi.py"), command]
        state = self.root.parent / "state"
        return subprocess.run(
            [*program, str(self.root), str(state)],
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
        )

    def up(self, command: str = "up") -> dict[str, int]:
        """How many objects came, changed, went; those of the program's own components left out."""
        result = self.run(command)
        assert result.returncode == 0, result.stderr
        changes: dict[str, int] = json.loads(result.stdout)
        return {kind: number for kind, number in changes.items() if kind != "same"}

    def deployments(self) -> dict[str, Any]:
        found = self.plane.get("deployments", "--namespace", self.namespace)["items"]
        return {one["metadata"]["name"]: one for one in found}

    def generations(self) -> dict[str, int]:
        """A number for each Deployment that rises when its specification changes."""
        return {name: one["metadata"]["generation"] for name, one in self.deployments().items()}


@pytest.fixture
def provisioned(plane: ControlPlane, tmp_path: Path) -> Provisioned:
    """An environment that was applied once, and whose pointer names what is merged."""
    namespace = f"llm-{next(_NUMBERS)}"
    environment = copy.deepcopy(SMALL)
    environment["kubernetes"]["namespace"] = namespace
    root = clustered(tmp_path / "repository", environment)
    (root / ".git").mkdir()
    found = Provisioned(root, plane, namespace, _surroundings(plane, tmp_path))
    assert set(found.up()) == {"create"}
    point_at(root)
    return found


def _surroundings(plane: ControlPlane, folder: Path) -> dict[str, str]:
    """Those of any apply, and the program's own modules for one that is no script of the package."""
    modules = os.pathsep.join(str(ROOT / name) for name in ("infra", "tests"))
    return {
        **surroundings(plane, folder),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONPATH": modules,
    }


def test_applying_it_again_changes_nothing(provisioned: Provisioned) -> None:
    assert provisioned.up() == {}


def test_a_changed_prompt_adds_a_snapshot_and_restarts_nothing(provisioned: Provisioned) -> None:
    before = provisioned.generations()
    ask(provisioned.root, "Please:")

    changes = provisioned.up()

    assert changes == {"create": 1, "update": 1}  # the snapshot, and the list of what is proven
    assert provisioned.generations() == before


def test_a_changed_model_gets_a_server_and_the_one_before_stays(provisioned: Provisioned) -> None:
    before = provisioned.generations()
    model = provisioned.root / "stacks/models/large.yaml"
    model.write_text(model.read_text().replace("bfloat16", "float16"))

    changes = provisioned.up()

    after = provisioned.generations()
    assert "delete" not in changes
    assert before.items() < after.items()
    assert sum(name.startswith("model-") for name in after) == 2


def test_an_edit_by_hand_is_put_right(provisioned: Provisioned) -> None:
    (name,) = [name for name in provisioned.deployments() if name.startswith("gateway-")]
    where = ("--namespace", provisioned.namespace)
    patch = json.dumps({"spec": {"template": {"spec": {"enableServiceLinks": True}}}})
    edited = provisioned.plane.kubectl("patch", "deployment", name, *where, "--patch", patch)
    assert edited.returncode == 0, edited.stderr

    changes = provisioned.up()

    spec = provisioned.deployments()[name]["spec"]["template"]["spec"]
    assert changes == {"update": 1}
    assert spec["enableServiceLinks"] is False


def test_a_full_gpu_pool_is_said_in_the_preview(provisioned: Provisioned) -> None:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": provisioned.namespace},
        "spec": {"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]},
    }
    status = {"status": {"allocatable": {"nvidia.com/gpu": "3"}}}
    provisioned.plane.apply([node])
    ready = ("node", provisioned.namespace, "node.kubernetes.io/not-ready-")
    assert provisioned.plane.kubectl("taint", *ready).returncode == 0
    where = ("node", provisioned.namespace, "--subresource", "status")
    patched = provisioned.plane.kubectl("patch", *where, "--patch", json.dumps(status))
    assert patched.returncode == 0, patched.stderr

    fits = provisioned.run("preview")
    environment = provisioned.root / "infra/environments/production.yaml"
    document = yaml.safe_load(environment.read_text())
    document["models"]["stacks/models/large"]["replicas"] = {"min": 2}
    environment.write_text(yaml.safe_dump(document))
    full = provisioned.run("preview")
    provisioned.plane.kubectl("delete", "node", provisioned.namespace)

    assert "no node has room" not in fits.stderr
    assert "no node has room for 1 of 2 pods; each asks for 2 nvidia.com/gpu" in full.stderr


def test_a_preview_changes_nothing(provisioned: Provisioned) -> None:
    before = provisioned.generations()
    model = provisioned.root / "stacks/models/large.yaml"
    model.write_text(model.read_text().replace("bfloat16", "float16"))

    assert provisioned.up("preview")["create"] > 0
    assert provisioned.generations() == before


@pytest.mark.parametrize("command", ["preview", "up"])
def test_an_unproven_identity_is_refused_by_its_clause(
    command: str, provisioned: Provisioned
) -> None:
    keys = ("keys", "new", "ci", "--private", str(provisioned.root.parent / "ci.pem"))
    made = [sys.executable, "-P", "-m", "tetrad", "-C", str(provisioned.root), *keys]
    subprocess.run(made, check=True, capture_output=True)
    environment = provisioned.root / "infra/environments/production.yaml"
    document = yaml.safe_load(environment.read_text())
    signers = {"ci": {"ed25519": "infra/keys/ci.pub", "role": "evaluator"}}
    document |= {"signers": signers, "requires": {"evidence": {"signers": ["ci"]}}}
    environment.write_text(json.dumps(document))
    ask(provisioned.root, "Please:")  # what serves already is not asked again

    result = provisioned.run(command)

    assert result.returncode == tetrad.ExitCode.REFUSED
    assert "  complete    no suite judges stacks/large" in result.stderr


def test_the_pointer_is_left_as_it_is(provisioned: Provisioned) -> None:
    """Whatever the program changes: only commands write what answers, and what is withdrawn."""
    metadata = {"name": "tetrad-pointer", "namespace": provisioned.namespace}
    pointer = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"1": "{}"}}
    assert provisioned.plane.apply([pointer], "--field-manager=tetrad").returncode == 0
    where = ("configmap", "tetrad-pointer", "--namespace", provisioned.namespace)
    before = provisioned.plane.get(*where)

    assert provisioned.up() == {}
    ask(provisioned.root, "Please:")
    assert provisioned.up() != {}

    assert provisioned.plane.get(*where) == before
