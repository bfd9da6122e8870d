"""Rollouts over gateways that run as processes on a real API server's pointer: what fails goes back."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from control_plane import ControlPlane, programs, started
from fakes import Asked, OpenAIServer, Reply
from gateway_processes import until
from gateways import STACK, parrot
from serving_cluster import CONTEXT, Asking, ServingCluster, gateway_user

pytestmark = pytest.mark.campaign  # real servers, for minutes

pytest.importorskip("starlette", reason="needs the extra gateway")
pytest.importorskip("urllib3", reason="needs the extra gateway")

_NAMESPACES = ["llm-0", "llm-1", "llm-2"]
# A step that only a limit ends, once there were enough requests.
_STEPS = {
    "steps": [40, 100],
    "pause_s": 3600,
    "min_requests": 20,
    "abort_if": {"error_rate": 0.2},
}


class Failing:
    """A model server that fails whoever asks by version two, from a moment on: else no gateway would
    follow who leads to it.
    """

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.refuses = threading.Event()  # everybody's key, for the second version

    def __call__(self, asked: Asked) -> Reply:
        reply = parrot(asked)
        fails = reply.text.startswith("two") and self.begun.is_set()
        if reply.text.startswith("two") and self.refuses.is_set():
            return Reply(status=401, error={"message": "no such key"})
        return Reply(status=400, error={"message": "no"}) if fails else reply


@pytest.fixture
def failing() -> Failing:
    return Failing()


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    accounts = [gateway_user(name) for name in _NAMESPACES]
    with started(tmp_path_factory.mktemp("plane"), strangers=accounts) as running:
        yield running


@pytest.fixture
def cluster(
    plane: ControlPlane, tmp_path: Path, failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServingCluster]:
    """One whose version one serves, and whose merged version two is applied and not deployed."""
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig(CONTEXT)))
    monkeypatch.setenv("PATH", f"{programs()}{os.pathsep}{os.environ['PATH']}")
    with OpenAIServer(answer=failing) as upstream:
        made = ServingCluster(tmp_path, plane, _NAMESPACES.pop(), upstream.url)
        made.merge("one", rollout=_STEPS)
        assert made.roll_out() == 0
        made.merge("two", rollout=_STEPS)
        yield made


@contextmanager
def once_followed(cluster: ServingCluster, act: Callable[[], None]) -> Iterator[None]:
    """Act once both gateways follow the second version of the pointer."""

    def wait() -> None:
        cluster.wait_for(2, count=2)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    yield
    thread.join()


def kinds(cluster: ServingCluster, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What the versions of the pointer were made by, the first one first."""
    capsys.readouterr()
    cluster.tetrad("history", "production", "--format", "json")
    return [one["change"]["kind"] for one in json.loads(capsys.readouterr().out)][::-1]


def test_a_failed_rollout_is_rolled_back_by_itself(
    cluster: ServingCluster, failing: Failing, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = cluster.names["one"], cluster.names["two"]
    with cluster.gateway() as first, cluster.gateway() as second:
        cluster.wait_for(1, count=2)
        with Asking([first, second]) as asking:
            with once_followed(cluster, failing.begun.set):
                code = cluster.roll_out()
            back = time.monotonic()
            time.sleep(0.5)
            until(lambda: bool(asking.after(back)))
        said = capsys.readouterr()

        assert code == 1
        assert re.search(r": aborted: withdrawn on .* by deploy: error_rate is ", said.out)
        assert "2 gateways followed" in said.err
        assert asking.after(back) == {one}
        assert {label for _, status, _, label in asking.answers if status != 200} == {two}
        # a live identity answers /identity first, and that it was all the time
        assert {identity for _, _, identity in asking.live} == {one}
        assert kinds(cluster, capsys) == ["deploy", "deploy", "abort"]

        again = cluster.roll_out()

        assert again == 1
        assert "withdrawn" in capsys.readouterr().out
        assert kinds(cluster, capsys) == ["deploy", "deploy", "abort"]
        withdrawn = cluster.pointed()["stacks"][STACK]["withdrawn"]
        assert [left["identity"] for left in withdrawn] == [two]


def test_an_outage_of_the_api_does_not_leave_a_failed_rollout_where_it_is(
    cluster: ServingCluster, failing: Failing, capsys: pytest.CaptureFixture[str]
) -> None:
    def go_away() -> None:
        cluster.plane.stop()
        time.sleep(2)
        failing.begun.set()
        cluster.plane.start()

    with cluster.gateway() as first, cluster.gateway() as second:
        cluster.wait_for(1, count=2)
        with Asking([first, second]), once_followed(cluster, go_away):
            code = cluster.roll_out()
        said = capsys.readouterr()

    assert code == 1
    assert "trying again" in said.err
    assert re.search(r": aborted: withdrawn on .* by deploy: error_rate is ", said.out)
    assert cluster.pointed()["stacks"][STACK]["live"]["identity"] == cluster.names["one"]


def test_what_no_gateway_can_load_goes_back_at_once(
    cluster: ServingCluster, failing: Failing, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = cluster.names["one"], cluster.names["two"]
    failing.refuses.set()
    with cluster.gateway() as first, cluster.gateway() as second:
        cluster.wait_for(1, count=2)
        with Asking([first, second]) as asking:
            code = cluster.roll_out()
        said = capsys.readouterr()

    assert code == 1
    assert re.search(r": aborted: withdrawn on .* by deploy: no gateway can load it: ", said.out)
    assert "2 gateways followed" in said.err
    assert asking.failures == []
    assert {label for _, _, _, label in asking.answers} == {one}
    assert kinds(cluster, capsys) == ["deploy", "deploy", "abort"]
    pointed = cluster.pointed()["stacks"][STACK]
    assert pointed["live"]["identity"] == one
    assert [left["identity"] for left in pointed["withdrawn"]] == [two]
