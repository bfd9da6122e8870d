"""The workflows that deploy and roll back, played: clones of one origin, a registry, live gateways."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from evidenced import answering, environment_text, evidenced_tree, key_of, right_answer
from fakes import Asked, Reply
from trees import Tree
from workflows import Job

from tetrad.cli import main

pytestmark = pytest.mark.campaign  # real servers, for minutes

GOLDEN = "evals/feedback/golden.yaml"
PROMPT = "prompts/feedback.yaml"
QUESTION = {"variables": {"review": "The handle is torn off."}}
EVIDENCE = {"evidence": {"signers": ["ci"], "max_age_days": 30}}


@dataclass
class Vendor:
    """Answers as the golden set wants it, unless something is wrong with it. A prompt that says
    `crash` breaks it at one question.
    """

    is_wrong: bool = False
    is_silent: bool = False  # to what the smoke asks

    def answer(self, asked: Asked) -> Reply:
        messages = asked.body["messages"]
        last = messages[-1]["content"]
        if self.is_silent and ("blanket" in last or "lamp" in last):
            return Reply(status=400)
        if "crash" in messages[0]["content"] and "handle" in last:
            return Reply(status=500)
        return Reply(text="perhaps") if self.is_wrong else right_answer(asked)


@dataclass(kw_only=True)
class World:
    """A developer's clone, the repository that it pushes to, and what CI has."""

    tree: Tree
    folder: Path
    vendor: Vendor = field(default_factory=Vendor)
    jobs: int = 0

    @property
    def secrets(self) -> Mapping[str, str]:
        return {
            "secrets.TETRAD_REGISTRY": str(self.folder / "registry.db"),
            "secrets.TETRAD_SIGNING_KEY": (self.folder / "deploy.pem").read_text(),
            "secrets.TETRAD_API_KEY": "",
            "secrets.PULUMI_CONFIG_PASSPHRASE": "",
            "vars.PULUMI_BACKEND_URL": "",
            "vars.TETRAD_APPLY": "",
            "github.server_url": "https://git.example.com",
            "github.repository": "acme/support",
            "github.run_id": "7",
            "github.actor": "ada",
        }

    def job(self, workflow: str, name: str, **context: str) -> Job:
        """A job on a fresh runner: a clone of what is on main now."""
        self.jobs += 1
        checkout = self.folder / f"job-{self.jobs}"
        origin = self.folder / "origin.git"
        subprocess.run(["git", "clone", "--quiet", origin, checkout], check=True)
        given = {key.replace("__", "."): value for key, value in context.items()}
        return Job(
            checkout=checkout,
            workflow=workflow,
            name=name,
            context={**self.secrets, **given},
            path=str(self.folder / "bin"),
        )

    def merge(self, *, proven: bool = True) -> None:
        """Lock, commit, and let the gate's workflow sign on main, as a push to it does."""
        self.tree.tetrad("lock")
        self.tree.commit("Change")
        self.tree.git("push", "--quiet", "origin", "main")
        if proven:
            assert self.tree.tetrad("gate", "--unproven", "--env", "production") == 0
            assert self.tree.tetrad("attest", "--key", key_of(self.tree, "ci"), "--push") == 0

    def tetrad(self, *arguments: str) -> str:
        """A command of somebody who reads the registry."""
        done = subprocess.run(
            [sys.executable, "-m", "tetrad", "-C", self.tree.root, *arguments],
            env={**os.environ, "TETRAD_REGISTRY": str(self.folder / "registry.db")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deploying")
    tree = evidenced_tree(folder)
    assert main(["init", str(tree.root), "--engine", "endpoint", "--deploy"]) == 0
    for name in ("staging", "production"):
        requires = {} if name == "staging" else EVIDENCE
        tree.write(f"infra/environments/{name}.yaml", environment_text(requires=requires))
    golden = (tree.root / GOLDEN).read_text()
    tagged = re.sub(
        r"^- id: (\S+)$", r"- id: \1\n  tags: [smoke]", golden, count=2, flags=re.MULTILINE
    )
    tree.write(GOLDEN, tagged)
    serve(tree)
    return folder


@pytest.fixture
def world(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    tree = Tree(tmp_path / "repository")
    tree.git("init", "--quiet", "--bare", "--initial-branch", "main", str(tmp_path / "origin.git"))
    tree.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "cache"))
    found = World(tree=tree, folder=tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sleep").symlink_to("/bin/true")
    with answering(monkeypatch, found.vendor.answer):
        found.merge()
        yield found


def serve(tree: Tree, **rollout: Any) -> None:
    text = (tree.root / "stacks/feedback.yaml").read_text().split("serving:")[0]
    steps = f", rollout: {rollout}" if rollout else ""
    tree.write(
        "stacks/feedback.yaml",
        f"{text}serving: {{environments: [staging, production]{steps}}}\n",
    )


@contextmanager
def gateway(world: World, environment: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "tetrad", "-C", world.tree.root,
         "serve", environment, "--port", str(port), "--offline"],
        env={**os.environ, "TETRAD_REGISTRY": str(world.folder / "registry.db")},
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while not is_alive(address):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait()


def is_alive(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/healthz").status_code == 200
    except httpx2.TransportError:
        return False


@contextmanager
def used(address: str) -> Iterator[None]:
    """Somebody who asks all the time."""
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            httpx2.post(f"{address}/v1/stacks/feedback/answer", json=QUESTION)

    user = threading.Thread(target=ask)
    user.start()
    try:
        yield
    finally:
        over.set()
        user.join()


def deploy(world: World, environment: str, address: str) -> Job:
    return world.job("deploy", environment, vars__TETRAD_GATEWAY=address)


def deploy_again(world: World) -> str:
    job = world.job("deploy", "production")
    assert job.play() == 0
    return job.output[-1]


def answering_in(world: World) -> str:
    """The identity that answers in production, as `tetrad status` shows it."""
    (found,) = re.findall(r"live +\S+ +([0-9a-f]{12})", world.tetrad("status", "production"))
    return str(found)


def test_a_merge_goes_to_staging_and_on_to_production(world: World) -> None:
    for environment in ("staging", "production"):
        with gateway(world, environment) as address:
            job = deploy(world, environment, address)

            assert job.play() == 0, job.output

            assert "2 of 2 passed" in job.output[-1]
            (standing,) = httpx2.get(f"{address}/identity").json()["stacks"].values()
            assert standing["answering"][0]["percent"] == 100
        assert "actions/runs/7" in world.tetrad("history", environment)
    assert "no changes" in deploy_again(world)


def preview(world: World) -> Job:
    """The job before the approval: of the secrets it is given the registry's address alone."""
    job = world.job("deploy", "preview")
    address = world.secrets["secrets.TETRAD_REGISTRY"]
    return replace(job, context={"secrets.TETRAD_REGISTRY": address})


def test_who_approves_production_reads_what_would_change(world: World) -> None:
    deploy_again(world)
    world.tree.edit(PROMPT, "Sort each customer review", "Sort each review")
    world.merge()

    job = preview(world)

    assert job.play() == 0, job.output
    assert re.search(
        r"    traffic:\n      stacks/feedback: \w{12} is live, was \w{12}", job.summary
    )


def test_without_evidence_nobody_is_asked_and_production_stays_as_it_is(world: World) -> None:
    deploy_again(world)
    before = world.tetrad("history", "production")
    world.tree.edit(PROMPT, "Sort each customer review", "Sort each review")
    world.merge(proven=False)

    asked, job = preview(world), world.job("deploy", "production")

    assert asked.play() == 1
    assert "no verification summary for production counts" in asked.summary
    assert job.play() == 1
    assert "no verification summary for production counts" in job.output[-1]
    assert world.tetrad("history", "production") == before


def test_what_answers_otherwise_in_staging_goes_no_further(world: World) -> None:
    with gateway(world, "staging") as address:
        world.vendor.is_wrong = True

        job = deploy(world, "staging", address)

        assert job.play() == 1
        assert "0 of 2 passed" in job.output[-2]
        assert "moved nothing that could be rolled back" in job.output[-1]


@pytest.mark.parametrize(("trouble", "code"), [("wrong", 1), ("silent", 3)])
def test_what_fails_its_smoke_is_rolled_back(world: World, trouble: str, code: int) -> None:
    deploy_again(world)
    before = answering_in(world)
    world.tree.edit(PROMPT, "Sort each customer review", "Sort each review")
    world.merge()
    setattr(world.vendor, f"is_{trouble}", True)

    with gateway(world, "production") as address:
        job = deploy(world, "production", address)
        assert job.play() == code, job.output

    assert "0 of 2 passed" in job.output[-2]
    assert f"{before} is live" in job.summary
    assert answering_in(world) == before
    assert "smoke failed: https://git.example.com/acme/support/actions/runs/7" in world.tetrad(
        "history", "production"
    )


def test_a_deployment_that_moved_nothing_rolls_nothing_back(world: World) -> None:
    deploy_again(world)
    world.tree.edit(PROMPT, "Sort each customer review", "Sort each review")
    world.merge()
    deploy_again(world)
    before = world.tetrad("history", "production")
    world.vendor.is_wrong = True

    with gateway(world, "production") as address:
        job = deploy(world, "production", address)
        assert job.play() == 1

    assert "0 of 2 passed" in job.output[-2]
    assert world.tetrad("history", "production") == before


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "gateway.example.com"])
def test_a_gateway_out_of_reach_says_nothing_of_what_it_serves(world: World, address: str) -> None:
    deploy_again(world)
    world.tree.edit(PROMPT, "Sort each customer review", "Sort each review")
    world.merge()

    job = deploy(world, "production", address)

    assert job.play() in (2, 3)
    assert "rollback" not in world.tetrad("history", "production")


def test_a_killed_job_leaves_the_traffic_and_the_next_one_goes_on(world: World) -> None:
    deploy_again(world)
    serve(world.tree, steps=[50, 100], min_requests=10)
    world.tree.edit(PROMPT, "Sort each customer review", "Sort each review")
    world.merge()

    def shares() -> list[float]:
        stacks = httpx2.get(f"{address}/identity").json()["stacks"].values()
        return sorted(each["percent"] for stack in stacks for each in stack["answering"])

    with gateway(world, "production") as address:
        deploy(world, "production", address).kill("Deploy", when=lambda: shares() == [50, 50])

        assert shares() == [50, 50]
        with used(address):
            job = deploy(world, "production", address)
            assert job.play() == 0, job.output

        assert shares() == [100]
        assert any("finished" in said for said in job.output)


def test_a_rollout_that_fails_is_given_back_and_not_tried_again(world: World) -> None:
    deploy_again(world)
    limits = {"error_rate": 0.02}
    serve(world.tree, steps=[50, 100], min_requests=10, abort_if=limits)
    world.tree.edit(PROMPT, "Sort each customer review", "Sort or crash each review")
    world.tree.write("infra/environments/production.yaml", environment_text(requires={}))
    world.merge(proven=False)

    with gateway(world, "production") as address, used(address):
        job = deploy(world, "production", address)
        assert job.play() == 1
        assert "error" in job.output[-1]
        (stack,) = httpx2.get(f"{address}/identity").json()["stacks"].values()
        assert [each["percent"] for each in stack["answering"]] == [100]
        assert stack["withdrawn"]

        again = deploy(world, "production", address)
        assert again.play() == 1
        assert "withdrawn" in again.output[-1]


def test_a_rollback_is_one_click_with_a_reason(world: World) -> None:
    deploy_again(world)
    world.tree.edit(PROMPT, "Sort each customer review", "Sort each review")
    world.merge()
    deploy_again(world)
    asked = {"inputs__environment": "production", "inputs__identity": ""}

    with gateway(world, "production") as address:
        until = time.monotonic() + 60
        while httpx2.get(f"{address}/readyz").status_code != 200:
            assert time.monotonic() < until
        job = world.job(
            "rollback", "rollback", **asked, inputs__stack="feedback", inputs__reason="--wrong"
        )
        assert job.play() == 0, job.output

    assert "1 gateway followed" in job.summary
    assert "git revert" in job.summary
    assert "--wrong (ada)" in world.tetrad("history", "production")


def test_a_rollback_of_nothing_fails_the_job(world: World) -> None:
    deploy_again(world)
    asked = {"inputs__environment": "production", "inputs__identity": "abcdef0"}

    job = world.job("rollback", "rollback", **asked, inputs__stack="", inputs__reason="wrong")

    assert job.play() != 0
    assert "abcdef0" in job.output[-1]
