"""The example of GPU nodes on one cloud: its program runs against mocks of the provider's package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pulumi_gcp", reason="needs infra/examples/gke/requirements.txt")

EXAMPLE = Path(__file__).parents[2] / "infra/examples/gke"

# In a process of its own: mocks of Pulumi are one for a process.
PLAY = """\
import json, runpy, sys
import pulumi
found = []
class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        found.append({"type": args.typ, "name": args.name, **args.inputs})
        return args.name, {**args.inputs, "name": args.name, "member": "serviceAccount:deployer"}
    def call(self, args):
        return {}
pulumi.runtime.set_mocks(Mocks(), project="gpu-nodes", stack="example")
pulumi.runtime.set_all_config({
    "gcp:project": "acme", "gpu-nodes:location": "europe-west4", "gpu-nodes:cluster": "llm",
    "gpu-nodes:repository": "acme/support", "gpu-nodes:accelerator": "nvidia-l4",
    "gpu-nodes:machine": "g2-standard-8", "gpu-nodes:most": "2", "gpu-nodes:spot": "false",
})
@pulumi.runtime.test
def play():
    runpy.run_path(sys.argv[1])
play()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def declared() -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", PLAY, EXAMPLE / "__main__.py"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_nodes_carry_the_taint_that_model_servers_tolerate(declared: list[dict[str, Any]]) -> None:
    (pool,) = [one for one in declared if one["type"].endswith(":NodePool")]

    assert pool["nodeConfig"]["taints"][0]["key"] == "nvidia.com/gpu"
    assert pool["nodeConfig"]["guestAccelerators"][0]["count"] == 1
    assert pool["autoscaling"] == {"minNodeCount": 0, "maxNodeCount": 2}


def test_only_jobs_of_the_environments_deploy(declared: list[dict[str, Any]]) -> None:
    members = {one["name"]: one["member"] for one in declared if "member" in one}

    assert {name for name in members if name != "deployer-reaches-clusters"} == {
        "deployer-staging",
        "deployer-production",
    }
    assert members["deployer-production"].endswith("/repo:acme/support:environment:production")
