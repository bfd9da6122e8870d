"""The workflow that looks for drift, played: one issue for each environment, closed when it is over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from deployments import deployable_tree, improve
from workflows import Job

from tetrad.cli import main

# What the workflow asks of GitHub's command line, on a file.
GH = """\
#!/usr/bin/env python3
import json, os, pathlib, sys
file = pathlib.Path(os.environ["GH_FILE"])
issues = json.loads(file.read_text()) if file.exists() else []
assert os.environ["GH_TOKEN"] and os.environ["GH_REPO"] == "acme/support"
given = sys.argv[1:]
said = dict(zip(given, given[1:]))
match given:
    case ["label", "create", "drift", *_]:
        pass
    case ["issue", "list", *_]:
        assert said["--label"] == "drift"
        print(json.dumps([{"number": i + 1, "title": issue["title"]}
                          for i, issue in enumerate(issues) if issue["state"] == said["--state"]]))
    case ["issue", "create", *_]:
        body = pathlib.Path(said["--body-file"]).read_text()
        issues.append({"title": said["--title"], "body": body, "state": "open"})
    case ["issue", "edit", number, *_]:
        issues[int(number) - 1]["body"] = pathlib.Path(said["--body-file"]).read_text()
    case ["issue", "close", number, *_]:
        issues[int(number) - 1]["state"] = "closed"
    case _:
        sys.exit(f"unknown: {given}")
file.write_text(json.dumps(issues))
"""


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree = deployable_tree(folder)
        assert main(["init", str(self.tree.root), "--engine", "scripted", "--deploy"]) == 0
        self.tree.commit("Add workflows")
        (folder / "bin").mkdir()
        (folder / "bin/gh").write_text(GH)
        (folder / "bin/gh").chmod(0o755)
        self.hours = 0

    def deploy(self, *environments: str) -> None:
        for name in environments:
            subprocess.run(
                [sys.executable, "-m", "tetrad", "-C", self.tree.root, "deploy", name,
                 "--key", f"file:{self.folder / 'deploy.pem'}"],
                check=True, capture_output=True,
                env={**os.environ, "TETRAD_REGISTRY": str(self.folder / "registry.db")},
            )  # fmt: skip

    def hour(self) -> Mapping[str, Any]:
        """The open issues by title, after both jobs."""
        self.hours += 1
        checkout = self.folder / f"hour-{self.hours}"
        subprocess.run(["git", "clone", "--quiet", self.tree.root, checkout], check=True)
        context = {
            "secrets.TETRAD_REGISTRY": str(self.folder / "registry.db"),
            "vars.TETRAD_DRIFT": "staging production",
            "github.token": "token",
            "github.repository": "acme/support",
            "github.server_url": "https://git.example.com",
            "github.run_id": str(self.hours),
        }
        look = Job(checkout=checkout, workflow="drift", name="look", context=context)
        assert look.play() == 0, look.output
        shutil.copytree(look.temporary / "drift", checkout / "drift")  # the artifact
        tell = Job(
            checkout=checkout,
            workflow="drift",
            name="tell",
            context=context,
            path=str(self.folder / "bin"),
        )
        assert tell.play() == 0, tell.output
        file = self.folder / "gh.json"
        issues = json.loads(file.read_text()) if file.exists() else []
        return {issue["title"]: issue["body"] for issue in issues if issue["state"] == "open"}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("GH_FILE", str(tmp_path / "gh.json"))
    return World(tmp_path)


@pytest.mark.campaign
def test_an_issue_is_opened_kept_and_closed(world: World) -> None:
    world.deploy("staging", "production")
    assert world.hour() == {}

    improve(world.tree)
    world.deploy("staging")
    (title, body), *others = world.hour().items()
    assert (title, others) == ("Drift in production", [])
    assert "Found by https://git.example.com/acme/support/actions/runs/2" in body
    assert "\n    " in body
    assert "stacks/feedback" in body

    assert "actions/runs/3" in world.hour()["Drift in production"]

    world.deploy("production")
    assert world.hour() == {}
