"""From evidence to traffic and back: commands on one side, `tetrad serve` in a process on the other."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from evidenced import answering, environment_text, evidenced_tree, key_of
from fakes import OpenAIServer
from trees import Tree

pytestmark = pytest.mark.campaign  # real servers, for minutes

QUESTION = {"review": "The handle is torn off."}


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    with answering(monkeypatch) as server:
        yield server


@pytest.fixture
def tree(tmp_path: Path, upstream: OpenAIServer) -> Tree:
    """What production asks for is evidence; the registry has its first identity, which serves."""
    made = evidenced_tree(tmp_path)
    asked = {"evidence": {"signers": ["ci"], "max_age_days": 30}}
    made.write("infra/environments/production.yaml", environment_text(requires=asked))
    made.commit("Ask production for evidence")
    prove(made)
    assert deploy(made) == 0
    return made


def prove(tree: Tree) -> None:
    assert tree.tetrad("gate", "--unproven", "--env", "production") == 0
    assert tree.tetrad("attest", "--key", key_of(tree, "ci")) == 0


def deploy(tree: Tree) -> int:
    return tree.tetrad("deploy", "production", "--key", key_of(tree, "deploy"))


def roll_back(tree: Tree, *options: str) -> int:
    return tree.tetrad("rollback", "production", "--key", key_of(tree, "deploy"), *options)


def improve(tree: Tree, number: int) -> None:
    path = "prompts/feedback.yaml"
    text = (tree.root / path).read_text()
    tree.write(path, text.replace("negative?", f"negative? ({number})", 1))
    tree.tetrad("lock")
    tree.commit(f"Change {number}")


@contextmanager
def serving(tree: Tree) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "tetrad", "--root", str(tree.root),
         "serve", "production", "--port", str(port), "--offline"],
        env={**os.environ, "TETRAD_CACHE": str(tree.root.parent / "cache")},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while not is_ready(address):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < until
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.communicate()


def is_ready(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def ask(address: str) -> httpx2.Response:
    return httpx2.post(f"{address}/v1/stacks/feedback/answer", json={"variables": QUESTION})


def test_an_identity_without_evidence_does_not_serve(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    improve(tree, 1)
    capsys.readouterr()

    assert deploy(tree) == 1
    assert "no verification summary for production counts" in capsys.readouterr().out


def test_traffic_follows_a_rollout_and_a_rollback_and_nothing_fails(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    serving_text = (
        "serving: {environments: [production], rollout: {steps: [25, 100], min_requests: 5}}"
    )
    tree.edit("stacks/feedback.yaml", "serving: {environments: [production]}", serving_text)
    tree.commit("Roll out in steps")
    improve(tree, 1)
    prove(tree)
    answers: list[tuple[float, httpx2.Response]] = []
    over = threading.Event()

    with serving(tree) as address:

        def use() -> None:
            while not over.is_set():
                began = time.monotonic()
                answers.append((began, ask(address)))

        first = ask(address).headers["x-tetrad-identity"]
        users = [threading.Thread(target=use) for _ in range(3)]
        for user in users:
            user.start()
        try:
            assert deploy(tree) == 0
            second = ask(address).headers["x-tetrad-identity"]
            capsys.readouterr()
            assert roll_back(tree) == 0
            back = time.monotonic()
            out = capsys.readouterr().out
            time.sleep(0.5)
        finally:
            over.set()
            for user in users:
                user.join()

    assert {response.status_code for _, response in answers} == {200}
    found = {response.headers["x-tetrad-identity"] for _, response in answers}
    assert found == {first, second}
    after = {r.headers["x-tetrad-identity"] for began, r in answers if began > back}
    assert after == {first}
    assert re.search(r"1 gateway followed \d+\.\d\d s after the command began\n", out)


def test_an_environment_follows_only_its_deployers(tree: Tree) -> None:
    """Who can write to the registry and has no key can neither move traffic nor stop a rollback."""
    from tetrad.registry import open_ledger, registry_place

    with open_ledger(registry_place(tree.root)) as ledger:
        (entry,) = ledger.entries(kind="deployment")
        content = ledger.content(entry.content)
        assert content is not None
        ledger.append("deployment", environment="production", content=content + b" ")
    improve(tree, 1)
    prove(tree)

    with serving(tree) as address:
        assert ask(address).status_code == 200
        assert deploy(tree) == 0
        assert roll_back(tree) == 0
