"""A Lease of a real API server, held by one process at a time."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from control_plane import ControlPlane, started

from tetrad.cluster_api import held_lease
from tetrad.cluster_api.held_lease import HeldLease
from tetrad.errors import ClusterError

pytestmark = pytest.mark.campaign  # a real server, for a minute

pytest.importorskip("urllib3", reason="needs the extra infra")

CONTEXT = "plane"
ELSEWHERE = "root@elsewhere (pid 7)"
NAME = "apply"
_HOLDS = """\
import sys
from tetrad.cluster_api.held_lease import HeldLease

with HeldLease("plane", sys.argv[1], "apply", is_new=False, waits_s=60, say=print):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with started(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture
def namespace(
    plane: ControlPlane, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig(CONTEXT)))
    name = str(request.node.name).replace("_", "-").replace("[", "-").strip("]")[:60].strip("-")
    make(plane, name)
    return name


def make(plane: ControlPlane, name: str) -> None:
    assert plane.kubectl("create", "namespace", name).returncode == 0


class Said(list[str]):
    """What was told."""

    def __call__(self, line: str) -> None:
        self.append(line)


def lease(namespace: str, said: Said | None = None, **how: Any) -> HeldLease:
    given = {"is_new": False, "waits_s": 0, "say": Said() if said is None else said, **how}
    return HeldLease(CONTEXT, namespace, NAME, **given)


def holder(plane: ControlPlane, namespace: str) -> str | None:
    found: str | None = plane.get("lease", NAME, "--namespace", namespace)["spec"].get(
        "holderIdentity"
    )
    return found


def hold(plane: ControlPlane, namespace: str, who: str, ago: timedelta) -> None:
    """Let somebody hold it, who was last heard of a while ago."""
    seen = f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M:%S.%fZ}"
    obj = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {"holderIdentity": who, "acquireTime": seen, "renewTime": seen},
    }
    done = plane.apply([obj], "--force-conflicts")
    assert done.returncode == 0, done.stderr


def test_it_is_held_once_and_given_back(plane: ControlPlane, namespace: str) -> None:
    with lease(namespace), pytest.raises(ClusterError) as raised, lease(namespace):
        raise AssertionError

    me = f"@{socket.gethostname()} (pid "
    assert f"{NAME} is held by " in str(raised.value)
    assert me in str(raised.value)
    assert holder(plane, namespace) is None
    with lease(namespace):
        assert me in str(holder(plane, namespace))


def test_of_a_process_that_was_killed_on_this_machine_it_is_taken_at_once(
    namespace: str,
) -> None:
    command = [sys.executable, "-c", _HOLDS, namespace]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ClusterError), lease(namespace):
            raise AssertionError
        process.kill()

    said = Said()
    with lease(namespace, said):
        pass

    assert [line.endswith("is gone: this takes its place") for line in said] == [True]


def test_a_machine_that_is_not_heard_of_any_more_loses_it(
    plane: ControlPlane, namespace: str
) -> None:
    hold(plane, namespace, ELSEWHERE, timedelta(seconds=20))
    with (
        pytest.raises(ClusterError, match=r"is held by root@elsewhere \(pid 7\), since"),
        lease(namespace),
    ):
        raise AssertionError
    hold(plane, namespace, ELSEWHERE, timedelta(seconds=90))
    said = Said()

    with lease(namespace, said) as held:
        assert held.is_gone("elsewhere", 7)
        assert held.is_gone("elsewhere", 8)
        assert not held.is_gone("another", 7)

    assert len(said) == 1
    assert said[0].startswith(f"{ELSEWHERE}, since ")


def test_what_it_left_behind_is_known_until_somebody_came_to_the_end(
    plane: ControlPlane, namespace: str
) -> None:
    hold(plane, namespace, ELSEWHERE, timedelta(hours=1))
    with pytest.raises(KeyError), lease(namespace):
        raise KeyError

    for expected in (True, False):
        with lease(namespace) as held:
            assert held.is_gone("elsewhere", 7) is expected


def test_who_stood_still_for_so_long_that_another_took_it_is_interrupted(
    plane: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_lease, "_RENEWS_S", 0.2)
    said = Said()

    def stand_still() -> None:
        hold(plane, namespace, ELSEWHERE, timedelta())
        time.sleep(60)

    with pytest.raises(KeyboardInterrupt), lease(namespace, said):
        stand_still()

    assert said[-1].startswith(f"{ELSEWHERE}, since ")
    assert holder(plane, namespace) == ELSEWHERE


def test_an_edit_by_hand_does_not_end_it(
    plane: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_lease, "_RENEWS_S", 0.2)
    where = ("--namespace", namespace)
    with lease(namespace):
        assert plane.kubectl("label", "lease", NAME, "team=ml", *where).returncode == 0
        time.sleep(2)
        assert plane.kubectl("delete", "lease", NAME, *where).returncode == 0
        time.sleep(2)
        assert holder(plane, namespace) is not None


def test_where_the_namespace_is_still_to_be_made_it_is_taken_then(
    plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig(CONTEXT)))
    monkeypatch.setattr(held_lease, "_LOOKS_S", 0.2)
    with lease("late", is_new=True):
        make(plane, "late")
        until = time.monotonic() + 60
        where = ("--namespace", "late", "-o", "json")
        while "holderIdentity" not in plane.kubectl("get", "leases", *where).stdout:
            assert time.monotonic() < until
            time.sleep(0.2)
    assert holder(plane, "late") is None
