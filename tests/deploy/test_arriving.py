"""What no gateway loads goes back: real gateways as processes, and a server that refuses one version."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import Asked, OpenAIServer, Reply
from gateway_processes import Registry, registry_in, serving, until
from gateways import FILES, STACK, ask, parrot
from pointing import gateway

from tetrad.cli import main
from tetrad.deploy import arriving, rollouts
from tetrad.deploy.acknowledging import acknowledged
from tetrad.errors import NotAcknowledged, NotLoaded
from tetrad.identity import written_identity
from tetrad.pointer import Deployers, Pointer
from tetrad.pointer.pointer_store import PointerStore

pytest.importorskip("starlette", reason="needs the extra gateway")

_STEPS = {"rollout": {"steps": [5, 100], "min_requests": 0}}


class RefusingTwo:
    """A model server that answers the second version with an error, until it is repaired."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.repaired = threading.Event()
        self.asked = threading.Event()  # by the second version

    def __call__(self, asked: Asked) -> Reply:
        reply = parrot(asked)
        if not reply.text.startswith("two"):
            return reply
        self.asked.set()
        if self.repaired.is_set():
            return reply
        return Reply(status=self.status, error={"message": "no"})


@pytest.fixture
def server() -> RefusingTwo:
    return RefusingTwo(401)


@pytest.fixture
def upstream(server: RefusingTwo) -> Iterator[str]:
    with OpenAIServer(answer=server) as running:
        yield running.url


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    made = registry_in(tmp_path)
    (made.root / ".gitignore").write_text(".tetrad/\n.cache/\n")
    subprocess.run(["git", "-C", made.root, "config", "user.email", "a@example.org"], check=True)
    return made


def merge(registry: Registry, version: str, **serving: Any) -> None:
    for path, text in FILES.items():
        (registry.root / path).write_text(text.replace("VERSION", version))
    said = json.dumps({"environments": ["local"], **serving})
    with (registry.root / f"{STACK}.yaml").open("a") as stack:
        stack.write(f"serving: {said}\n")
    subprocess.run(["git", "-C", registry.root, "add", "--all"], check=True)
    subprocess.run(["git", "-C", registry.root, "commit", "-qm", version], check=True)


def deploy(registry: Registry) -> int:
    return main(["--root", str(registry.root), "deploy", "local"])


def history(registry: Registry) -> list[Pointer]:
    """The first one first."""
    with PointerStore(registry.place, Deployers(environment="local")) as store:
        return [*store.history()][::-1]


def live(address: str) -> Any:
    return httpx2.get(f"{address}/identity").json()["stacks"][STACK]["answering"]


@pytest.mark.parametrize(("how", "kind"), [({}, "rollback"), (_STEPS, "abort")])
def test_what_no_gateway_can_load_goes_back_at_once(
    how: dict[str, Any],
    kind: str,
    registry: Registry,
    upstream: str,
    server: RefusingTwo,
    capsys: pytest.CaptureFixture[str],
) -> None:
    merge(registry, "one", **how)
    with serving(registry, upstream) as (_, first), serving(registry, upstream) as (_, second):
        assert deploy(registry) == 0
        merge(registry, "two", **how)
        capsys.readouterr()

        assert deploy(registry) == 1
        said = capsys.readouterr()
        last = history(registry)[-1]
        assert [ask(address).json()["answer"] for address in (first, second)] == ["one: hello"] * 2
        assert live(first) == live(second)

        again = deploy(registry)
        server.repaired.set()
        assert main(["--root", str(registry.root), "release", "local", "echo"]) == 0
        repaired = deploy(registry)
        assert ask(first).json()["answer"] == "two: hello"

    assert re.search(r": aborted: withdrawn on .*: no gateway can load it: .*401", said.out)
    assert "2 gateways followed" in said.err
    assert "help: `tetrad release local STACK`" in said.err
    assert last.change.kind == kind
    assert "no gateway can load it" in last.change.reason
    assert (again, repaired) == (1, 0)


def test_a_first_identity_that_no_gateway_can_load_ends_the_deployment_at_once(
    registry: Registry, upstream: str, capsys: pytest.CaptureFixture[str]
) -> None:
    merge(registry, "two")
    with serving(registry, upstream):
        assert deploy(registry) == 3

    assert re.search(r"follows 0: .*401", capsys.readouterr().err)
    assert [pointer.change.kind for pointer in history(registry)] == ["deploy"]


@pytest.mark.parametrize("how", [{}, _STEPS])
def test_what_no_gateway_has_loaded_in_time_goes_back(
    how: dict[str, Any],
    registry: Registry,
    upstream: str,
    server: RefusingTwo,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.status = 503
    merge(registry, "one", **how)
    with serving(registry, upstream) as (_, address):
        assert deploy(registry) == 0
        for module in (arriving, rollouts):
            monkeypatch.setattr(module, "LOADS_S", 5)
        merge(registry, "two", **how)
        capsys.readouterr()

        assert deploy(registry) == 1
        assert ask(address).json()["answer"] == "one: hello"

    told = r": aborted: withdrawn on .*: no gateway has loaded it in time: stacks/echo: tetrad:"
    assert re.search(told, capsys.readouterr().out)


def test_what_some_gateways_load_stays_and_the_others_are_named(registry: Registry) -> None:
    merge(registry, "one")
    assert deploy(registry) == 0
    identity = history(registry)[-1].stacks[STACK].live.identity
    refused = {written_identity(identity): "refused"}
    with PointerStore(registry.place, Deployers(environment="local")) as store:
        store.report(gateway("stuck", 0, environment="local", unloadable=refused))
        store.report(gateway("there", 1, environment="local"))

        with pytest.raises(NotAcknowledged, match="stuck") as raised:
            acknowledged(store, 1, within_s=0.1, brought={STACK: identity})

    assert not isinstance(raised.value, NotLoaded)


def test_a_server_that_is_away_for_a_moment_is_waited_for(
    registry: Registry, upstream: str, server: RefusingTwo
) -> None:
    server.status = 503
    merge(registry, "one")
    with serving(registry, upstream) as (_, address):
        assert deploy(registry) == 0
        merge(registry, "two")

        def repair() -> None:
            server.asked.wait()
            until(lambda: "503" in httpx2.get(f"{address}/readyz").json().get("problem", ""))
            server.repaired.set()

        repairing = threading.Thread(target=repair)
        repairing.start()
        assert deploy(registry) == 0
        repairing.join()

        assert ask(address).json()["answer"] == "two: hello"
