"""`tetrad serve ENV` as a process: from the registry alone, until it is told to end."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from fakes import OpenAIServer, Reply
from gateway_processes import Registry, registry_in, serving, wait_for_status
from gateways import ask
from postgres import postgres as postgres  # noqa: PLC0414 - a fixture
from postgres import schema
from sqlalchemy import make_url

from tetrad.pointer import Deployers
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import PostgresAddress


@pytest.fixture(params=["sqlite", "postgres"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    if request.param == "sqlite":
        yield registry_in(tmp_path)
        return
    with schema(request.getfixturevalue("postgres")) as url:
        yield registry_in(tmp_path, PostgresAddress(url), url)


def test_a_process_serves_what_the_registry_points_to(
    registry: Registry, upstream: OpenAIServer
) -> None:
    one, two = registry.take("one"), registry.take("two")
    registry.deploy(one, two)
    with serving(registry, upstream.url) as (_, address):
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
    with serving(registry, upstream.url) as (process, _):
        registry.wait_for(registry.deploy(two, one))
        process.kill()
        process.wait()
    with serving(registry, upstream.url) as (_, address):
        until = time.monotonic() + 30
        while httpx2.get(f"{address}/readyz").status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.05)

        assert ask(address).json()["answer"] == "two: hello"


def test_on_sigterm_it_turns_unready_answers_what_it_began_and_ends(registry: Registry) -> None:
    registry.deploy(registry.take("one"))
    probe, late = Reply(text="ok"), Reply(text="late", delay_s=4)
    with OpenAIServer(probe, late) as upstream:
        with serving(registry, upstream.url) as (process, address):
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
    with serving(cut, upstream.url) as (_, address):
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
    with serving(registry, upstream.url) as (_, address):
        registry.wait_for(1)
        assert ask(address).json()["answer"] == "one: hello"
