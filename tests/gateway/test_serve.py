"""`tetrad serve ENV` as a process: from the registry alone, until it is told to end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import pytest
from fakes import OpenAIServer, Reply
from gateways import AT, FILES, STACK, Served, alone, ask
from postgres import postgres as postgres  # noqa: PLC0414 - a fixture
from postgres import schema
from sqlalchemy import make_url

from tetrad.pointer import Deployers, Pointer, PointerChange, ServedIdentity, seal_pointer
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import Place, PostgresAddress, open_ledger
from tetrad.snapshots.keeping import keep


@dataclass
class Registry:
    """A repository with an environment `local`, and its registry."""

    root: Path
    served: Served
    place: Place
    url: str = ""  # as TETRAD_REGISTRY names it, where it is no file

    def take(self, version: str) -> ServedIdentity:
        taken = self.served.take(version)
        with open_ledger(self.place) as ledger:
            keep(ledger, self.served.snapshots[taken.snapshot])
        return taken

    def deploy(self, live: ServedIdentity, *warm: ServedIdentity) -> int:
        """Write the next pointer; gives its number."""
        with PointerStore(self.place, Deployers(environment="local")) as store:
            last = store.current()
            pointer = Pointer(
                environment="local",
                number=1 if last is None else last.number + 1,
                at=AT,
                commit="0" * 40,
                change=PointerChange(kind="deploy", stacks=(STACK,)),
                stacks={STACK: alone(live, *warm)},
            )
            store.append(seal_pointer(pointer))
        return pointer.number

    def wait_for(self, number: int) -> None:
        """Until a gateway follows the pointer."""
        until = time.monotonic() + 60
        with PointerStore(self.place, Deployers(environment="local")) as store:
            while all(state.number < number for state in store.gateways()):
                assert time.monotonic() < until
                time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgres"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    root = tmp_path / "repository"
    (root / "infra/environments").mkdir(parents=True)
    (root / "infra/environments/local.yaml").write_text("kind: environment\ntarget: local\n")
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    subprocess.run(["git", "init", "--quiet", root], check=True)
    served = Served(tmp_path / "trees")
    if request.param == "sqlite":
        yield Registry(root, served, root / ".tetrad" / "registry.db")
        return
    with schema(request.getfixturevalue("postgres")) as url:
        yield Registry(root, served, PostgresAddress(url), url)


@contextmanager
def serving(
    registry: Registry, upstream: OpenAIServer
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves `local`, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "tetrad", "--root", str(registry.root),
         "serve", "local", "--port", str(port), "--offline"],
        env={
            **os.environ,
            "UPSTREAM": upstream.url,
            "TETRAD_CACHE": str(registry.root / ".cache"),
            "TETRAD_REGISTRY": registry.url,
        },
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while True:
            try:
                httpx2.get(f"{address}/healthz")
                break
            except httpx2.TransportError:
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < until
                time.sleep(0.05)
        yield process, address
    finally:
        process.kill()
        process.communicate()


def test_a_process_serves_what_the_registry_points_to(
    registry: Registry, upstream: OpenAIServer
) -> None:
    one, two = registry.take("one"), registry.take("two")
    registry.deploy(one, two)
    with serving(registry, upstream) as (_, address):
        registry.wait_for(1)
        before = ask(address)
        registry.wait_for(registry.deploy(two, one))
        after = ask(address)

    assert before.json()["answer"] == "one: hello"
    assert after.json()["answer"] == "two: hello"
    assert after.headers["x-tetrad-deployment"] == "local/2"


def test_a_process_that_was_killed_answers_by_the_same_pointer_again(
    registry: Registry, upstream: OpenAIServer
) -> None:
    one, two = registry.take("one"), registry.take("two")
    registry.deploy(one)
    with serving(registry, upstream) as (process, _):
        registry.wait_for(registry.deploy(two, one))
        process.kill()
        process.wait()
    with serving(registry, upstream) as (_, address):
        until = time.monotonic() + 30
        while httpx2.get(f"{address}/readyz").status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.05)

        assert ask(address).json()["answer"] == "two: hello"


def test_on_sigterm_it_turns_unready_answers_what_it_began_and_ends(registry: Registry) -> None:
    registry.deploy(registry.take("one"))
    probe, late = Reply(text="ok"), Reply(text="late", delay_s=4)
    with OpenAIServer(probe, late) as upstream:
        with serving(registry, upstream) as (process, address):
            until = time.monotonic() + 60
            while httpx2.get(f"{address}/readyz").status_code != 200:
                assert time.monotonic() < until
                time.sleep(0.05)
            answers: list[httpx2.Response] = []
            asking = threading.Thread(target=lambda: answers.append(ask(address)))
            asking.start()
            while not upstream.in_flight:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            unready = httpx2.get(f"{address}/readyz")
            asking.join()
            code = process.wait(30)
        with PointerStore(registry.place, Deployers(environment="local")) as store:
            left = store.gateways()

    assert (unready.status_code, unready.json()["problem"]) == (503, "shutting down")
    assert [answer.json()["answer"] for answer in answers] == ["late"]
    assert (code, left) == (0, ())


class Relay:
    """Between a gateway and PostgreSQL; `partition` holds everything back and closes nothing."""

    def __init__(self, folder: str) -> None:
        self._folder = folder  # of the server's socket
        self._open = threading.Event()
        self._open.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def partition(self) -> None:
        self._open.clear()

    def heal(self) -> None:
        self._open.set()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{self._folder}/.s.PGSQL.5432")
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._open.wait()
                target.sendall(data)
        for end in (source, target):
            end.close()


@pytest.mark.parametrize("registry", ["postgres"], indirect=True)
def test_a_gateway_that_is_cut_off_turns_unready_and_follows_again(
    registry: Registry, upstream: OpenAIServer
) -> None:
    url = make_url(registry.url)
    relay = Relay(str(url.query["host"]))
    through = url.set(host="127.0.0.1", port=relay.port).difference_update_query(["host"])
    cut = replace(registry, url=through.render_as_string(hide_password=False))
    one, two = registry.take("one"), registry.take("two")
    registry.deploy(one, two)
    with serving(cut, upstream) as (_, address):
        registry.wait_for(1)
        relay.partition()
        wait_for_status(address, 503)
        meanwhile = ask(address)
        number = registry.deploy(two, one)
        relay.heal()
        registry.wait_for(number)
        wait_for_status(address, 200)

        assert meanwhile.json()["answer"] == "one: hello"
        assert ask(address).json()["answer"] == "two: hello"


def wait_for_status(address: str, status: int) -> None:
    """Until /readyz has the status."""
    until = time.monotonic() + 60
    while httpx2.get(f"{address}/readyz").status_code != status:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("production",), "there is nothing named 'production'"),
        (("local", "--port", "99999"), "--port"),
    ],
)
def test_what_cannot_be_served_is_told(
    registry: Registry, arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from tetrad.cli import main

    code = main(["--root", str(registry.root), "serve", *arguments])

    assert code == 2
    assert says in capsys.readouterr().err


def test_a_suite_that_does_not_load_keeps_no_gateway_from_starting(
    registry: Registry, upstream: OpenAIServer
) -> None:
    registry.deploy(registry.take("one"))
    suite = registry.root / "evals/broken/suite.yaml"
    suite.parent.mkdir(parents=True)
    suite.write_text("kind: suite\nstacks: [stacks/echo]\ngolden: ./nowhere.yaml\n")
    with serving(registry, upstream) as (_, address):
        registry.wait_for(1)
        assert ask(address).json()["answer"] == "one: hello"
