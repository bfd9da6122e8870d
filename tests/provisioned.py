"""Repositories whose environment is applied to a real API server with simulated nodes."""

from __future__ import annotations

import copy
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkouts import run
from clusters import SMALL, clustered, image
from control_plane import ControlPlane, definitions_in, programs, started
from programs import with_program
from simulated import kubeconfig, simulated

ROOT = Path(__file__).parents[1]
CRDS = Path(__file__).parent / "infra/crds"
_NUMBERS = itertools.count()


@contextmanager
def provisioning(folder: Path, *, strangers: Sequence[str] = ()) -> Iterator[ControlPlane]:
    """An API server with simulated nodes; skips where there is no engine. The strangers may do what a
    Role gives them.
    """
    if not (programs() / "pulumi").exists():
        pytest.skip("KUBEBUILDER_ASSETS has no pulumi")
    with started(folder, strangers=strangers) as plane:
        assert plane.apply(definitions_in(CRDS)).returncode == 0
        with simulated(plane, folder):
            yield plane


@dataclass(frozen=True)
class Provisioned:
    """A repository, and the namespace that it is applied to."""

    root: Path
    plane: ControlPlane
    namespace: str
    environment: dict[str, str]

    def run(self, how: str = "up", program: str = "apply.py") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(how, program),
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            timeout=900,
        )

    @contextmanager
    def begun(self) -> Iterator[subprocess.Popen[str]]:
        """An apply that is under way, in a group of its own; it is killed at the end."""
        with subprocess.Popen(
            self.command("up"),
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            start_new_session=True,
        ) as run:
            try:
                yield run
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(run.pid, signal.SIGKILL)

    def processes(self) -> list[int]:
        """Those of Pulumi that run for it, providers included; Linux tells which."""
        mark = f"PULUMI_HOME={self.environment['PULUMI_HOME']}\0".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (process / "environ").read_bytes():
                    found.append(int(process.name))
        return found

    def command(self, how: str, program: str = "apply.py") -> list[str]:
        arguments = [str(self.root), "production", *([how] if program == "apply.py" else [])]
        return [sys.executable, str(self.root / "infra" / program), *arguments]

    def up(self) -> str:
        """What it told."""
        done = self.run()
        assert done.returncode == 0, done.stderr
        return done.stderr

    def drift(self) -> list[Any]:
        done = self.run(program="drift.py")
        assert done.returncode == 0, done.stderr
        found: list[Any] = json.loads(done.stdout)
        return found

    def tetrad(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "tetrad", "-C", str(self.root), *arguments]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            timeout=900,
        )

    def commit(self) -> None:
        run(self.root, "config", "user.email", "a@example.org")
        run(self.root, "add", "--all")
        run(self.root, "commit", "--quiet", "--message", "Change")

    def kubectl(self, *arguments: str) -> str:
        done = self.plane.kubectl("--namespace", self.namespace, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def change(self, path: str, **values: Any) -> None:
        file = self.root / path
        file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **values}))

    def deployments(self) -> list[str]:
        found = self.plane.get("deployments", "--namespace", self.namespace)["items"]
        return [one["metadata"]["name"] for one in found]

    def server(self) -> str:
        (name,) = [name for name in self.deployments() if name.startswith("model-")]
        return name


def read_until(run: subprocess.Popen[str], text: str) -> None:
    """Until a line that it tells has the text; a killed run before may have made that, and it ends well."""
    assert run.stderr is not None
    told = []
    for line in run.stderr:
        told.append(line)
        if text in line:
            return
    assert run.wait() == 0, "".join(told)


def fresh(plane: ControlPlane, folder: Path, **changes: Any) -> Provisioned:
    """A committed repository with one stack, whose environment nothing was applied to."""
    namespace = f"llm-{next(_NUMBERS)}"
    environment = copy.deepcopy(SMALL)
    environment["kubernetes"]["namespace"] = namespace
    environment["kubernetes"]["usd_per_hour"] = {"nvidia.com/gpu": 2.0}
    environment.update(changes)
    root = with_program(folder / "repository")
    (root / ".git").rmdir()
    weights = f"oci://{image('weights')}"
    clustered(root, environment, load_seconds=5, source=weights)
    (root / ".gitignore").write_text(".tetrad/\n__pycache__/\n")
    run(root, "init", "--quiet", "--initial-branch", "main")
    found = Provisioned(root, plane, namespace, surroundings(plane, folder))
    found.commit()
    return found


def surroundings(plane: ControlPlane, folder: Path) -> dict[str, str]:
    """A kubeconfig, a backend, and a provider where none is installed."""
    (folder / "kubeconfig").write_text(json.dumps(kubeconfig(plane, "prod")))
    (folder / "state").mkdir()
    path = [str(plane.programs), os.environ["PATH"]]
    if shutil.which("pulumi-resource-kubernetes") is None:
        standin = folder / "bin/pulumi-resource-kubernetes"
        standin.parent.mkdir()
        program = ROOT / "tests/standin_provider.py"
        standin.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')
        standin.chmod(0o755)
        path.insert(0, str(standin.parent))
    return {
        **os.environ,
        "PATH": os.pathsep.join(path),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "PULUMI_HOME": str(folder / "pulumi"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "only for tests",
    }
