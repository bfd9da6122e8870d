"""The nightly workflow, played: documents in a submodule, a vendor's model, and the pull request."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import OpenAIServer, Reply
from trees import Tree, initial_tree
from workflows import Job

from tetrad.cli import main
from tetrad.loading.repositories import load_repository

MODEL = "stacks/models/endpoint.yaml"
CORPUS = """\
kind: corpus
documents: {path: stacks/corpora/handbook}
embedding: stacks/models/minilm
"""
MINILM = f"""\
kind: model
source: file://minilm
files: {{model.safetensors: "sha256:{"0" * 64}"}}
engine: {{torch: {{dtype: float32}}}}
context_window: 256
"""

# What the workflow asks of GitHub's command line, on a file.
GH = """\
#!/usr/bin/env python3
import json, os, pathlib, sys
file = pathlib.Path(os.environ["GH_FILE"])
state = json.loads(file.read_text()) if file.exists() else []
assert os.environ["GH_TOKEN"] and os.environ["GH_REPO"] == "acme/support"
match sys.argv[1:]:
    case ["auth", "setup-git"]:
        pass
    case ["pr", "list", *options]:
        print(len([pull for pull in state if options[1] == "tetrad/refresh"]))
    case ["pr", "create", *options]:
        state.append(dict(zip(options[::2], options[1::2])))
file.write_text(json.dumps(state))
"""


class World:
    """A repository with its origin, and the documents that another repository keeps."""

    def __init__(self, folder: Path, url: str, words: list[str]) -> None:
        self.folder, self.url, self.words = folder, url, words
        self.documents = Tree(folder / "documents")
        self.documents.write("leave.md", "Leave is 28 days.\n")
        self.documents.git("init", "--quiet", "--initial-branch", "main")
        self.documents.commit()
        self.tree = initial_tree(
            folder / "repository", "--engine", "endpoint", "--endpoint-model", "small"
        )
        main(["init", str(self.tree.root), "--engine", "endpoint", "--deploy"])
        self.tree.write("stacks/models/probes.jsonl", '{"prompt": "1 + 1 ="}\n')
        self.tree.append(MODEL, "fingerprint: {probes: ./probes.jsonl}\n")
        self.tree.write("stacks/models/minilm.yaml", MINILM)
        self.tree.write("stacks/corpora/handbook.yaml", CORPUS)
        self.tree.git(
            "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "-b", "main",
            str(self.documents.root), "stacks/corpora/handbook",
        )  # fmt: skip
        self.tree.tetrad("pin")
        self.tree.tetrad("lock")
        self.tree.commit("Begin")
        self.tree.git("init", "--quiet", "--bare", "--initial-branch", "main", str(self.origin))
        self.tree.git("remote", "add", "origin", str(self.origin))
        self.tree.git("push", "--quiet", "origin", "main")
        (folder / "bin").mkdir()
        (folder / "bin/gh").write_text(GH)
        (folder / "bin/gh").chmod(0o755)
        self.nights = 0

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    @property
    def pulls(self) -> list[dict[str, Any]]:
        file = self.folder / "gh.json"
        return list(json.loads(file.read_text())) if file.exists() else []

    def night(self) -> str:
        """What the last step says."""
        self.nights += 1
        checkout = self.folder / f"night-{self.nights}"
        clone = ["git", "-c", "protocol.file.allow=always", "clone", "--quiet"]
        subprocess.run([*clone, "--recurse-submodules", self.origin, checkout], check=True)
        context = {
            "vars.LLM_URL": self.url,
            "secrets.LLM_KEY": "",
            "secrets.REFRESH_TOKEN": "token",
            "github.repository": "acme/support",
        }
        job = Job(
            checkout=checkout,
            workflow="refresh",
            name="refresh",
            context=context,
            path=str(self.folder / "bin"),
        )
        assert job.play() == 0, job.output
        return job.output[-1]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("GH_FILE", str(tmp_path / "gh.json"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.file.allow")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "always")
    words = ["2"]
    with OpenAIServer(answer=lambda _: Reply(text=words[0])) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        monkeypatch.setenv("LLM_KEY", "")
        yield World(tmp_path, server.url, words)


def proposed(world: World) -> Path:
    """The branch that is proposed, checked out."""
    folder = world.folder / "proposed"
    clone = ["git", "clone", "--quiet", "--recurse-submodules", "--branch", "tetrad/refresh"]
    subprocess.run([*clone, world.origin, folder], check=True)
    return folder


def test_a_night_in_which_nothing_moved_proposes_nothing(world: World) -> None:
    assert "nothing moved" in world.night()
    assert world.pulls == []


@pytest.mark.campaign
def test_documents_and_answers_that_moved_are_proposed_once(world: World) -> None:
    before = load_repository(world.tree.root)
    world.documents.write("leave.md", "Leave is 30 days.\n")
    world.documents.commit()
    world.words[0] = "two"

    world.night()

    (pull,) = world.pulls
    assert pull["--head"] == "tetrad/refresh"
    after = load_repository(proposed(world))
    corpora = [each.corpora["stacks/corpora/handbook"] for each in (before, after)]
    assert corpora[0].digest != corpora[1].digest == corpora[1].written_digest
    models = [each.models["stacks/models/endpoint"].fingerprint for each in (before, after)]
    assert models[0] != models[1]
    assert "proposed already" in world.night()
    assert len(world.pulls) == 1


@pytest.mark.campaign
def test_what_moves_on_is_pushed_to_the_same_pull_request(world: World) -> None:
    world.words[0] = "two"
    world.night()
    world.words[0] = "II"
    world.night()

    assert len(world.pulls) == 1
    fingerprint = load_repository(proposed(world)).models["stacks/models/endpoint"].fingerprint
    assert (
        fingerprint != load_repository(world.tree.root).models["stacks/models/endpoint"].fingerprint
    )
