"""`tetrad deploy` of an environment in Kubernetes: servers first, then traffic."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from clusters import ask, image
from control_plane import ControlPlane
from provisioned import Provisioned, fresh, provisioning

import tetrad

pytestmark = pytest.mark.campaign  # real servers, for minutes

pytest.importorskip("pulumi", reason="needs the extra infra")


READER = "drift@example.com"
ROLES = Path(__file__).parents[2] / "infra/examples/deployer.yaml"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with provisioning(tmp_path_factory.mktemp("plane"), strangers=["renderer", READER]) as plane:
        yield plane


def deploy(where: Provisioned, *options: str) -> str:
    done = where.tetrad("deploy", "production", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pointed(where: Provisioned) -> Any:
    """The pointer of the environment, None before the first."""
    done = where.tetrad("status", "production", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[0]["pointer"]


def live(where: Provisioned) -> str:
    identity: str = pointed(where)["stacks"]["stacks/large"]["live"]["identity"]
    return identity


def test_an_environment_from_nothing_to_a_rollback(plane: ControlPlane, tmp_path: Path) -> None:
    where = fresh(plane, tmp_path)

    assert "stacks/large:" in deploy(where)

    first, servers = live(where), where.deployments()
    assert where.tetrad("drift", "production").returncode == 0
    assert "no changes" in deploy(where)
    assert pointed(where)["number"] == 1

    ask(where.root, "Please:")
    where.commit()
    preview = deploy(where, "--preview")
    assert "1 to create, 1 to update" in preview
    assert live(where) == first
    deploy(where)
    second = live(where)
    assert second != first
    assert where.deployments() == servers

    assert where.tetrad("rollback", "production").returncode == 0
    assert live(where) == first
    again = where.tetrad("deploy", "production")
    assert again.returncode == tetrad.ExitCode.REFUSED
    assert "withdrawn" in again.stdout
    assert live(where) == first
    assert where.tetrad("drift", "production").returncode == tetrad.ExitCode.REFUSED


def test_traffic_stays_where_it_is_until_the_new_server_is_ready(
    plane: ControlPlane, tmp_path: Path
) -> None:
    where = fresh(plane, tmp_path)
    deploy(where)
    before, servers = pointed(where), set(where.deployments())
    where.change("stacks/models/large.yaml", engine={"vllm": {"image": image("missing")}})
    where.commit()

    done = where.tetrad("deploy", "production")

    assert done.returncode == tetrad.ExitCode.REFUSED
    assert "server: ImagePullBackOff" in done.stderr
    assert done.stderr.endswith("nothing was deployed\n")
    assert pointed(where) == before
    failed = set(where.deployments()) - servers

    where.change("stacks/models/large.yaml", engine={"vllm": {"image": image("vllm")}})
    where.commit()
    deploy(where)
    assert failed
    assert servers < set(where.deployments())
    assert not failed & set(where.deployments())


def test_an_unproven_identity_is_refused_before_anything_is_touched(
    plane: ControlPlane, tmp_path: Path
) -> None:
    where = fresh(plane, tmp_path)
    private = str(tmp_path / "ci.pem")
    assert where.tetrad("keys", "new", "ci", "--private", private).returncode == 0
    signers = {"ci": {"ed25519": "infra/keys/ci.pub", "role": "evaluator"}}
    requires = {"evidence": {"signers": ["ci"]}}
    where.change("infra/environments/production.yaml", signers=signers, requires=requires)
    where.commit()

    for options in (["--preview"], []):
        done = where.tetrad("deploy", "production", *options)

        assert done.returncode == tetrad.ExitCode.REFUSED
        assert "no suite judges stacks/large" in done.stdout
    assert plane.kubectl("get", "namespace", where.namespace).returncode != 0


def test_what_a_controller_applied_is_rolled_out_without_touching_it(
    plane: ControlPlane, tmp_path: Path
) -> None:
    where = fresh(plane, tmp_path)
    rendered = tmp_path / "manifests"
    assert where.tetrad("render", "production", "-o", str(rendered)).returncode == 0
    early = where.tetrad("deploy", "production", "--no-apply")
    manager = ("--field-manager", "argocd-controller")
    done = plane.kubectl("apply", "--server-side", *manager, "-f", str(rendered))
    assert done.returncode == 0, done.stderr

    fights = where.tetrad("deploy", "production")
    deploy(where, "--no-apply")

    assert early.returncode == tetrad.ExitCode.REFUSED
    assert fights.returncode == tetrad.ExitCode.REFUSED
    assert fights.stderr.startswith("Argo CD owns ")
    assert live(where).startswith("tetrad:")


def test_an_account_that_may_only_read_previews_without_pulumi(
    plane: ControlPlane, tmp_path: Path
) -> None:
    where = fresh(plane, tmp_path)
    deploy(where)
    ask(where.root, "Please:")
    where.commit()
    roles = [one for one in yaml.safe_load_all(ROLES.read_text()) if "reader" in str(one)]
    assert plane.apply(roles).returncode == 0
    where.environment["KUBECONFIG"] = str(plane.kubeconfig("prod", user=READER))
    del where.environment["PULUMI_BACKEND_URL"]

    preview = deploy(where, "--preview", "--no-apply")

    assert preview.startswith("production: 1 to create, 1 to update\n")
    assert "traffic:\n  stacks/large: " in preview


def test_manifests_have_what_the_pointer_keeps_as_the_cluster_tells_it(
    plane: ControlPlane, tmp_path: Path
) -> None:
    where = fresh(plane, tmp_path)
    deploy(where)
    where.change("stacks/models/large.yaml", engine={"vllm": {"image": image("newer")}})
    where.commit()
    shutil.rmtree(where.root / ".tetrad")
    may_get = ("--verb=get", "--resource=configmaps")
    where.kubectl("create", "role", "renderer", *may_get)
    where.kubectl("create", "rolebinding", "renderer", "--role=renderer", "--user=renderer")
    where.environment["KUBECONFIG"] = str(plane.kubeconfig("prod", user="renderer"))
    with_cluster = rendered_servers(where, tmp_path / "with")
    where.environment["KUBECONFIG"] = str(tmp_path / "none")
    shutil.rmtree(where.root / ".tetrad", ignore_errors=True)
    without = rendered_servers(where, tmp_path / "without")

    assert with_cluster == (2, "")
    assert without[0] == 1
    assert "warning: production: what the pointer keeps is not known here" in without[1]


def rendered_servers(where: Provisioned, folder: Path) -> tuple[int, str]:
    """How many model servers, and what was warned of."""
    done = where.tetrad("render", "production", "-o", str(folder))
    assert done.returncode == 0, done.stderr
    warned = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    return len(list(folder.glob("*-deployment-model-*.yaml"))), "\n".join(warned)


def test_another_machine_learns_from_the_cluster_what_serves_and_what_was_withdrawn(
    plane: ControlPlane, tmp_path: Path
) -> None:
    where = fresh(plane, tmp_path)
    deploy(where)
    first = live(where)
    ask(where.root, "Rudely:")
    where.commit()
    deploy(where)
    assert where.tetrad("rollback", "production").returncode == 0
    shutil.rmtree(where.root / ".tetrad")

    again = where.tetrad("deploy", "production")

    assert again.returncode == tetrad.ExitCode.REFUSED
    assert "withdrawn" in again.stdout
    shutil.rmtree(where.root / ".tetrad")
    ask(where.root, "Politely:")
    where.commit()
    deploy(where)
    assert live(where) != first
    assert where.tetrad("drift", "production").returncode == 0
    snapshots = where.kubectl(
        "get", "configmaps", "-l=app.kubernetes.io/component=snapshot", "-o=name"
    )
    assert len(snapshots.split()) == 2  # the live one, and the one to roll back to


def test_what_is_live_in_another_namespace_is_promoted_though_nothing_else_has_it(
    plane: ControlPlane, tmp_path: Path
) -> None:
    """Neither the registry nor the merged state."""
    where = fresh(plane, tmp_path)
    staging = yaml.safe_load((where.root / "infra/environments/production.yaml").read_text())
    staging["kubernetes"]["namespace"] += "-staging"
    (where.root / "infra/environments/staging.yaml").write_text(yaml.safe_dump(staging))
    where.change("stacks/large.yaml", serving={"environments": ["production", "staging"]})
    where.commit()
    deploy(where)
    ask(where.root, "Please:")
    where.commit()
    assert where.tetrad("deploy", "staging").returncode == 0
    ask(where.root, "Thanks:")
    where.commit()
    shutil.rmtree(where.root / ".tetrad")

    done = where.tetrad("promote", "large", "--from", "staging", "--to", "production")

    assert done.returncode == 0, done.stderr
    staged = json.loads(where.tetrad("status", "staging", "--format", "json").stdout)
    assert live(where) == staged[0]["pointer"]["stacks"]["stacks/large"]["live"]["identity"]
    found = json.loads(where.tetrad("drift", "production", "--format", "json").stdout)
    assert {one["drift"] for one in found["objects"]} <= {"missing", "changed"}
    assert len(found["identities"]) == 1


def test_an_interrupted_deployment_ends_what_it_began_and_the_next_goes_on(
    plane: ControlPlane, tmp_path: Path
) -> None:
    where = fresh(plane, tmp_path)
    command = [sys.executable, "-P", "-m", "tetrad", "-C", str(where.root), "deploy", "production"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=where.environment
    ) as deployment:
        assert deployment.stderr is not None
        for line in deployment.stderr:
            if "+ Deployment/" in line:
                break
        deployment.terminate()
        deployment.stderr.read()

    assert deployment.returncode == tetrad.ExitCode.INTERRUPTED
    assert pointed(where) is None
    deploy(where)
    assert where.tetrad("drift", "production").returncode == 0
