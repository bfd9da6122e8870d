"""The roles of infra/examples/deployer.yaml are enough to apply everything, and to look at it; no Secret is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import EVERY, FULL, clustered, desired_of
from control_plane import ControlPlane, definitions_in, started

from desired import Desired
from drifted import EXCLUSIVE
from live import Live
from manifests import write_manifests
from nodes import look
from objects.everything import objects_by_name

pytestmark = pytest.mark.campaign  # real servers, for minutes

ROLES = Path(__file__).parents[2] / "infra/examples/deployer.yaml"
DEPLOYER, READER = "deployer@example.com", "drift@example.com"
STRANGER = "stranger@example.com"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A namespace, and the two accounts with their roles."""
    folder = tmp_path_factory.mktemp("plane")
    with started(folder, strangers=[DEPLOYER, READER, STRANGER]) as plane:
        definitions = definitions_in(Path(__file__).parent / "crds")
        assert plane.apply(definitions).returncode == 0
        names = [f"crd/{one['metadata']['name']}" for one in definitions]
        plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)
        assert plane.kubectl("create", "namespace", "llm").returncode == 0
        made = plane.kubectl("apply", "--server-side", "-f", str(ROLES))
        assert made.returncode == 0, made.stderr
        yield plane


@pytest.fixture(scope="module")
def desired(tmp_path_factory: pytest.TempPathFactory) -> Desired:
    without = json.loads(json.dumps(FULL))
    del without["kubernetes"]["deployer"]
    return desired_of(clustered(tmp_path_factory.mktemp("tree"), without, EVERY, searching=True))


@pytest.fixture(scope="module")
def manifests(desired: Desired, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manifests")
    write_manifests(desired, folder)
    return folder


def test_the_deployer_applies_everything_and_takes_it_back(
    plane: ControlPlane, manifests: Path
) -> None:
    for _ in range(2):
        done = plane.kubectl(
            "apply", "--server-side", "--force-conflicts", "-f", str(manifests), user=DEPLOYER
        )
        assert done.returncode == 0, done.stderr
    gone = plane.kubectl("delete", "deployment", "--all", "--namespace", "llm", user=DEPLOYER)
    assert gone.returncode == 0, gone.stderr


def test_the_reader_sees_it_and_changes_nothing(plane: ControlPlane, manifests: Path) -> None:
    seen = plane.kubectl("get", "-f", str(manifests), "--ignore-not-found", user=READER)
    tried = plane.kubectl("apply", "--server-side", "-f", str(manifests), user=READER)

    assert seen.returncode == 0, seen.stderr
    assert tried.returncode != 0
    assert "Forbidden" in tried.stderr or "forbidden" in tried.stderr


@pytest.mark.parametrize("user", [DEPLOYER, READER])
def test_both_accounts_may_ask_all_that_the_commands_ask(
    user: str,
    plane: ControlPlane,
    desired: Desired,
    manifests: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    applied = plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(manifests))
    assert applied.returncode == 0, applied.stderr
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig("prod", user=user)))
    warnings: list[str] = []
    wanted = objects_by_name(desired)

    there = Live(desired.cluster).objects(wanted.values(), EXCLUSIVE)

    assert not wanted.keys() - there.keys()
    assert look(desired.cluster, warnings.append) is not None
    assert warnings == []


def test_who_may_not_see_nodes_is_warned_that_room_is_not_checked(
    plane: ControlPlane, desired: Desired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig("prod", user=STRANGER)))
    warnings: list[str] = []

    assert look(desired.cluster, warnings.append) is None
    assert f'User "{STRANGER}" cannot list resource "nodes"' in warnings[0]


@pytest.mark.parametrize("user", [DEPLOYER, READER])
def test_no_account_reads_secrets(plane: ControlPlane, user: str) -> None:
    tried = plane.kubectl("get", "secrets", "--namespace", "llm", user=user)

    assert tried.returncode != 0
    assert "forbidden" in tried.stderr
