"""What `tetrad init --deploy` lays down deploys, once two values are set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from clusters import image
from control_plane import ControlPlane
from provisioned import Provisioned, surroundings
from trees import initial_tree

from tetrad import __version__

pytest.importorskip("pulumi", reason="needs the extra infra")

GATEWAY = f"gateway-{__version__.replace('.', '-')}"


STAGING = "infra/environments/staging.yaml"

# In a process of its own, as the engine's is: mocks of Pulumi are one for a process.
PLAY = """\
import json, runpy, sys
import pulumi
found = []
class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        found.append([args.typ, args.name])
        return args.name, args.inputs
    def call(self, args):
        return {}
pulumi.runtime.set_mocks(Mocks(), project="tetrad", stack="staging")
@pulumi.runtime.test
def play():
    runpy.run_path(sys.argv[1])
play()
print(json.dumps(found))
"""


def set_two_values(file: Path) -> None:
    text = file.read_text()
    laid = f"ghcr.io/tetrad-dev/gateway@sha256:{'0' * 64}"
    assert text.count("SET-ME") == text.count(laid) == 1
    file.write_text(text.replace("SET-ME", "prod").replace(laid, image("gateway")))


@pytest.fixture
def laid_down(plane: ControlPlane, tmp_path: Path) -> Provisioned:
    tree = initial_tree(tmp_path / "repository", "--engine", "scripted", "--deploy")
    return Provisioned(tree.root, plane, "llm-staging", surroundings(plane, tmp_path))


def test_pulumi_provisions_staging_by_the_program_in_infra(tmp_path: Path) -> None:
    tree = initial_tree(tmp_path / "repository", "--engine", "scripted", "--deploy")
    set_two_values(tree.root / STAGING)
    infra = tree.root / "infra"

    done = subprocess.run(
        [sys.executable, "-c", PLAY, infra / "__main__.py"],
        env={**os.environ, "KUBECONFIG": str(tmp_path / "none"), "PYTHONPATH": str(infra)},
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert ["kubernetes:apps/v1:Deployment", GATEWAY] in json.loads(done.stdout)
    project = yaml.safe_load((infra / "Pulumi.yaml").read_text())
    assert project["runtime"] == "python"  # the one on PATH, wherever a user's environment lies


@pytest.mark.campaign  # real servers, for a minute
def test_two_values_and_staging_is_deployed(laid_down: Provisioned) -> None:
    unset = laid_down.tetrad("deploy", "staging", "--preview")
    set_two_values(laid_down.root / STAGING)
    laid_down.commit()
    laid_down.plane.kubectl("create", "namespace", "llm-staging")  # for its Secrets

    preview = laid_down.tetrad("deploy", "staging", "--preview")
    deployed = laid_down.tetrad("deploy", "staging")

    assert unset.returncode == 2
    assert preview.returncode == 0, preview.stderr
    assert f"+ Deployment/{GATEWAY}" in preview.stdout
    assert deployed.returncode == 0, deployed.stderr
    assert laid_down.deployments() == [GATEWAY]
    assert laid_down.tetrad("drift", "staging").returncode == 0
    help_ = (
        "no gateway is running\n  help: kubectl --context prod --namespace llm-staging get pods\n"
    )
    assert help_ in laid_down.tetrad("status", "staging").stdout
