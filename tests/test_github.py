"""GitHub's files are valid, pinned and free of what zizmor knows; ours are what `tetrad init` writes."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import dropwhile
from pathlib import Path

import pytest
import yaml

from tetrad.cli import main

ROOT = Path(__file__).parent.parent
OURS = ROOT / ".github/workflows"
DEPLOYING = ("deploy", "drift", "refresh", "rollback")
INSTALL = "python -m pip install --quiet '.[infra,metrics,postgres]' --constraint constraints.txt"


@pytest.fixture(scope="module")
def laid_down(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    assert main(["init", str(root), "--engine", "scripted", "--deploy"]) == 0
    return root / ".github/workflows"


def run(*command: str | Path) -> None:
    name, *arguments = command
    tool = Path(sys.executable).with_name(str(name))
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("whose", ["ours", "init's"])
def test_workflows_are_valid_and_zizmor_finds_nothing(whose: str, laid_down: Path) -> None:
    folder = OURS if whose == "ours" else laid_down
    files = sorted(folder.glob("*.yml"))

    assert {file.stem for file in files} >= {*DEPLOYING, "gate"}
    run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)
    run("zizmor", "--offline", "--quiet", folder.parent)


def test_without_the_option_init_lays_down_the_gate_alone(tmp_path: Path) -> None:
    main(["init", str(tmp_path), "--engine", "scripted"])

    assert [file.name for file in (tmp_path / ".github/workflows").iterdir()] == ["gate.yml"]


@pytest.mark.parametrize("name", DEPLOYING)
def test_ours_are_those_of_init_but_for_what_they_install(name: str, laid_down: Path) -> None:
    theirs = (laid_down / f"{name}.yml").read_text()

    written, count = re.subn(r"pip install 'tetrad\[.+", INSTALL, theirs)

    assert count >= 1
    assert (OURS / f"{name}.yml").read_text() == written


@pytest.mark.parametrize("file", sorted(OURS.glob("*.yml")), ids=lambda file: file.stem)
def test_a_job_has_a_time_limit_and_no_more_rights_than_it_names(file: Path) -> None:
    document = yaml.safe_load(file.read_text())

    assert document["permissions"] == {}
    for job in document["jobs"].values():
        assert "timeout-minutes" in job
        assert set(job["permissions"]) if "steps" in job else True


@pytest.mark.parametrize("file", sorted(OURS.glob("*.yml")), ids=lambda file: file.stem)
def test_a_secret_is_given_to_single_steps(file: Path) -> None:
    document = yaml.safe_load(file.read_text())

    for job in document["jobs"].values():
        everywhere = yaml.safe_dump({k: v for k, v in job.items() if k != "steps"})
        assert "secrets." not in everywhere + yaml.safe_dump(document.get("env", {}))


def test_two_deployments_of_one_environment_wait_for_each_other() -> None:
    jobs = yaml.safe_load((OURS / "deploy.yml").read_text())["jobs"]

    for name in ("staging", "production"):
        assert jobs[name]["environment"] == name
        assert jobs[name]["concurrency"] == {"group": f"deploy-{name}", "cancel-in-progress": False}


def test_production_is_previewed_before_its_approval_with_what_can_only_read() -> None:
    jobs = yaml.safe_load((OURS / "deploy.yml").read_text())["jobs"]

    preview = jobs["preview"]
    assert (preview["needs"], jobs["production"]["needs"]) == ("staging", "preview")
    assert preview["environment"] == "production-preview"
    assert set(re.findall(r"secrets\.(\w+)", yaml.safe_dump(preview))) == {"TETRAD_REGISTRY"}


def test_both_environments_are_deployed_alike() -> None:
    jobs = yaml.safe_load((OURS / "deploy.yml").read_text())["jobs"]

    def steps(name: str) -> list[str]:
        found = [yaml.safe_dump(step).replace(name, "ENV") for step in jobs[name]["steps"]]
        return list(dropwhile(lambda text: "Render for" not in text, found))

    assert steps("staging") == steps("production")


def test_a_rollback_waits_for_no_deployment_and_no_reviewer() -> None:
    document = yaml.safe_load((OURS / "rollback.yml").read_text())

    assert not document["concurrency"]["group"].startswith("deploy")
    assert document["jobs"]["rollback"]["environment"] == "${{ inputs.environment }}-rollback"
