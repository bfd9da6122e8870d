"""An environment of a real API server whose gateways run as processes on this machine."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2
import yaml
from clusters import ENVIRONMENT, desired_of, image
from control_plane import ControlPlane
from gateways import AT, FILES, STACK, Served, alone
from programs import IGNORED, PROGRAM
from rendered_gateway import rendered_gateway

import tetrad
from desired import Desired
from objects.everything import object_groups
from objects.kubernetes import Object
from tetrad.cli import main
from tetrad.cli.signing_keys import read_key
from tetrad.deploy.deployer import opened_store
from tetrad.loading.environments import environment_named
from tetrad.pointer import Pointer, PointerChange, ServedIdentity, seal_pointer
from tetrad.registry import open_ledger
from tetrad.snapshots.held_tree import HeldTree
from tetrad.snapshots.keeping import keep
from tetrad.snapshots.taking import stack_named

CONTEXT = "plane"
_STARTS_S = 90


def gateway_user(namespace: str) -> str:
    """The account of a namespace's gateways, as the API server names it."""
    return f"system:serviceaccount:{namespace}:gateway"


@dataclass
class ServingCluster:
    """A repository, its versions `one` and `two`, and the namespace that has everything of both."""

    folder: Path
    plane: ControlPlane
    namespace: str
    upstream: str
    root: Path = field(init=False)
    one: ServedIdentity = field(init=False)
    two: ServedIdentity = field(init=False)
    names: Mapping[str, str] = field(init=False)
    desired: Desired = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.folder / "repository"
        self._write()
        served = Served(self.folder / "trees")
        self.one, self.two = served.take("one"), served.take("two")
        self.names = served.names
        self.registry.parent.mkdir(exist_ok=True)
        with open_ledger(self.registry) as ledger:
            for snapshot in served.snapshots.values():
                keep(ledger, snapshot)
        retained = [
            tetrad.Retained(stack=stack_named(HeldTree(one.files), STACK), snapshot=one)
            for one in served.snapshots.values()
        ]
        self.desired = desired_of(self.root, retained)
        self.apply()

    @property
    def registry(self) -> Path:
        return self.root / ".tetrad/registry.db"

    @property
    def key(self) -> str:
        return f"file:{self.folder / 'deploy.pem'}"

    def objects(self) -> list[Object]:
        """What is rendered of it."""
        return [obj for group in object_groups(self.desired).values() for obj in group]

    def apply(self, *options: str) -> None:
        done = self.plane.apply(self.objects(), *options)
        assert done.returncode == 0, done.stderr

    def pointer_object(self) -> Any:
        return self.plane.get("configmap", "tetrad-pointer", "--namespace", self.namespace)

    def edit_pointer(self, data: Mapping[str, str | None]) -> None:
        """Change the object by hand."""
        patch = f"--patch={yaml.safe_dump({'data': dict(data)})}"
        where = ("--namespace", self.namespace, "--type=merge")
        done = self.plane.kubectl("patch", "configmap", "tetrad-pointer", *where, patch)
        assert done.returncode == 0, done.stderr

    def tetrad(self, *arguments: str) -> int:
        return main(["--root", str(self.root), *arguments])

    def roll_back(self, *options: str) -> int:
        return self.tetrad("rollback", "production", "--key", self.key, *options)

    def merge(self, version: str, files: Mapping[str, str] = FILES, **serving: Any) -> None:
        """Commit a version of the stack, and apply what is rendered of it."""
        for path, text in files.items():
            _write(self.root / path, text.replace("VERSION", version))
        said = json.dumps({"environments": ["production"], **serving})
        stack = self.root / "stacks/echo.yaml"
        stack.write_text(f"{stack.read_text()}serving: {said}\n")
        shutil.copytree(PROGRAM, self.root / "infra", ignore=IGNORED, dirs_exist_ok=True)
        (self.root / ".gitignore").write_text(".tetrad/\n__pycache__/\n")
        subprocess.run(["git", "-C", self.root, "add", "--all"], check=True)
        subprocess.run(["git", "-C", self.root, "commit", "-qm", version], check=True)
        rendered = self.folder / f"rendered-{version}"
        assert self.tetrad("render", "production", "-o", str(rendered)) == 0
        done = self.plane.kubectl("apply", "--server-side", "-f", str(rendered))
        assert done.returncode == 0, done.stderr

    def roll_out(self) -> int:
        """Deploy what is merged and applied, to the end of its rollout."""
        return self.tetrad("deploy", "production", "--no-apply", "--key", self.key)

    def pointed(self) -> Any:
        """What the newest version of the pointer says."""
        versions = self.pointer_object()["data"]
        envelope = json.loads(versions[max(versions, key=int)])
        return json.loads(base64.b64decode(envelope["payload"]))

    def deploy(self, live: ServedIdentity, *warm: ServedIdentity) -> int:
        """Write the next pointer, as `tetrad deploy` does once all is proven; gives its number."""
        environment = environment_named(self.root, "production")
        with opened_store(self.root, environment) as store:
            last = store.current()
            stack = alone(live, *warm)
            pointer = Pointer(
                environment="production",
                number=1 if last is None else last.number + 1,
                at=AT if last is None else max(last.at, store.now()),
                commit="0" * 40,
                change=PointerChange(kind="deploy", stacks=(STACK,)),
                stacks={STACK: stack},
                follows=last.entry if last else 0,
            )
            store.append(seal_pointer(pointer, [read_key(self.key)]))
        return pointer.number

    def wait_for(self, number: int, count: int = 1) -> None:
        """Until as many gateways follow the pointer."""
        until = time.monotonic() + _STARTS_S
        with opened_store(self.root, environment_named(self.root, "production")) as store:
            while sum(state.number >= number for state in store.gateways()) < count:
                assert time.monotonic() < until, store.gateways()
                time.sleep(0.1)

    @contextmanager
    def gateway(self, *, registry: bool = True) -> Iterator[str]:
        """A gateway as its Deployment starts it, as the account that it has there; its address."""
        config = self.plane.kubeconfig(CONTEXT, user=gateway_user(self.namespace))
        environment = {
            "KUBECONFIG": str(config),
            "TETRAD_REGISTRY": str(self.registry) if registry else "",
            "UPSTREAM": self.upstream,
        }
        with rendered_gateway(self.objects(), self.folder, environment) as started:
            yield started.address

    def _write(self) -> None:
        for path, text in FILES.items():
            _write(self.root / path, text.replace("VERSION", "one"))
        subprocess.run(["git", "init", "--quiet", self.root], check=True)
        subprocess.run(["git", "-C", self.root, "config", "user.email", "a@b"], check=True)
        main(["--root", str(self.root), "keys", "new", "deploy", "--role", "deployer",
              "--private", str(self.folder / "deploy.pem")])  # fmt: skip
        document = {
            "kind": "environment",
            "target": "kubernetes",
            "kubernetes": {
                "context": CONTEXT,
                "namespace": self.namespace,
                "gateways": {"0.1.0": {"image": image("gateway")}},
            },
            "retain": {"identities": 1},
            "signers": {"deploy": {"ed25519": "infra/keys/deploy.pub", "role": "deployer"}},
        }
        _write(self.root / ENVIRONMENT, yaml.safe_dump(document))
        stack = self.root / "stacks/echo.yaml"
        stack.write_text(stack.read_text() + "serving: {environments: [production]}\n")


@dataclass
class Asking:
    """Clients that ask gateways all the time: what they were answered, and what /identity said."""

    addresses: Sequence[str]
    answers: list[tuple[float, int, str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    live: list[tuple[float, str, str]] = field(default_factory=list)  # when, of which, identity

    def __enter__(self) -> Self:
        self._over = threading.Event()
        loops = [*([self._ask] * 2), self._poll]
        self._threads = [
            threading.Thread(target=loop, args=(address,))
            for address in self.addresses
            for loop in loops
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, address: str) -> None:
        question = {"variables": {"message": "hello"}}
        with httpx2.Client(timeout=120) as client:
            while not self._over.is_set():
                began = time.monotonic()
                try:
                    found = client.post(f"{address}/v1/stacks/echo/answer", json=question)
                except httpx2.HTTPError as error:
                    self.failures.append(repr(error))
                    continue
                said = str(found.json().get("answer")).partition(":")[0]
                label = found.headers.get("x-tetrad-identity", "")
                self.answers.append((began, found.status_code, said, label))
                if found.status_code != 200:
                    self.failures.append(f"{found.status_code} {found.text}")

    def _poll(self, address: str) -> None:
        with httpx2.Client(timeout=60) as client:
            while not self._over.wait(0.01):
                began = time.monotonic()
                told = client.get(f"{address}/identity").json()["stacks"][STACK]["answering"]
                self.live.append((began, address, told[0]["identity"]))

    def mixed(self, names: Mapping[str, str]) -> list[tuple[float, int, str, str]]:
        """Answers that failed, or whose label is not that of the identity that made them."""
        return [one for one in self.answers if one[1] != 200 or names.get(one[2]) != one[3]]

    def after(self, moment: float) -> set[str]:
        """Who answered requests that began after a moment, and who was told to be live."""
        return {label for began, _, _, label in self.answers if began > moment} | {
            identity for began, _, identity in self.live if began > moment
        }


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
