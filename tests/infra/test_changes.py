"""`tetrad plan` of a change to an environment in Kubernetes: what would come, change, go, and cost."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkouts import run
from clusters import ENVIRONMENT, FULL, ask, clustered
from programs import with_program

from tetrad.cli import main


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit, whose environment is in Kubernetes."""
    root = with_program(tmp_path / "repository")
    clustered(root, FULL)
    (root / ".git").rmdir()
    run(root, "init", "--quiet", "--initial-branch", "main")
    return committed(root)


def committed(root: Path) -> Path:
    run(root, "add", "--all")
    run(root, "commit", "--quiet", "--message", "Change")
    return root


def plan(root: Path, capfd: pytest.CaptureFixture[str], *options: str) -> str:
    capfd.readouterr()
    assert main(["-C", str(root), "plan", "--base", "main", *options]) == 0
    return capfd.readouterr().out


def planned(root: Path, capfd: pytest.CaptureFixture[str]) -> Any:
    (found,) = json.loads(plan(root, capfd, "--format", "json"))["infrastructure"]
    return found


def test_an_unchanged_tree_changes_nothing(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert planned(root, capfd)["objects"] == []
    assert "production in Kubernetes: no changes" in plan(root, capfd)


def test_a_prompt_brings_a_snapshot_and_restarts_nothing(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ask(root, "Please:")

    objects = planned(root, capfd)["objects"]

    assert Counter(obj["change"] for obj in objects) == {"create": 1, "delete": 1, "update": 1}
    assert [obj["object"] for obj in objects if obj["change"] == "update"] == [
        "ConfigMap/tetrad-proven"
    ]
    assert not any(obj["restarts"] for obj in objects)
    assert "1 to create, 1 to update, 1 to delete, nothing restarts" in plan(root, capfd)


def test_a_model_brings_a_server_and_its_cost(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = root / "stacks/models/large.yaml"
    document = yaml.safe_load(model.read_text())
    document["resources"]["nvidia.com/gpu"] = 4
    document["engine"]["vllm"]["dtype"] = "float16"
    model.write_text(yaml.safe_dump(document))

    found = planned(root, capfd)

    created = [obj["object"] for obj in found["objects"] if obj["change"] == "create"]
    assert sum(name.startswith("Deployment/model-") for name in created) == 1
    assert found["usd_per_month"] == {
        "base": {"min": 5840.0, "max": 11680.0},
        "head": {"min": 11680.0, "max": 23360.0},
    }
    assert "model servers: $5,840.00 → $11,680.00 per month, at most $23,360.00" in plan(
        root, capfd
    )


@pytest.mark.campaign
def test_another_release_of_the_gateway_restarts_its_pods(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = root / ENVIRONMENT
    file.write_text(file.read_text().replace("memory: 2Gi", "memory: 4Gi"))

    (changed,) = planned(root, capfd)["objects"]

    assert changed["object"] == "Deployment/gateway-0-2-0"
    assert changed["restarts"]
    assert {field["path"].rsplit(".", 1)[-1] for field in changed["fields"]} == {"memory"}
    assert "~ Deployment/gateway-0-2-0  (restarts)" in plan(root, capfd)


@pytest.mark.campaign
def test_a_change_of_the_program_shows(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    network = root / "infra/objects/network.py"
    network.write_text(network.read_text().replace('"restricted"', '"baseline"'))

    (changed,) = planned(root, capfd)["objects"]

    assert changed["object"] == "Namespace/llm"
    assert [(one["before"], one["after"]) for one in changed["fields"]] == [
        ("restricted", "baseline")
    ]


@pytest.mark.campaign
def test_what_an_environment_lacks_is_said(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = root / ENVIRONMENT
    document = yaml.safe_load(file.read_text())
    del document["kubernetes"]["gateways"]
    file.write_text(yaml.safe_dump(document))

    assert "production in Kubernetes: cannot be applied" in plan(root, capfd)
    assert planned(root, capfd)["problem"].startswith(f"{ENVIRONMENT}: kubernetes.gateways")


@pytest.mark.campaign
def test_a_new_environment_is_compared_with_nothing(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(root, "checkout", "--quiet", "-b", "before")
    run(root, "rm", "--quiet", ENVIRONMENT)
    for file in root.glob("stacks/*.yaml"):
        file.write_text(file.read_text().partition("serving:")[0])
    committed(root)
    text = plan(root, capfd)
    run(root, "branch", "--quiet", "--force", "main")
    run(root, "checkout", "--quiet", "HEAD~1", "--", ".")

    assert "- Namespace/llm" in text
    assert {obj["change"] for obj in planned(root, capfd)["objects"]} == {"create"}


def test_environments_on_this_machine_are_no_part_of_a_plan(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (root / ENVIRONMENT).write_text("kind: environment\n")
    run(root, "add", "--all")
    committed(root)

    assert json.loads(plan(root, capfd, "--format", "json"))["infrastructure"] == []
