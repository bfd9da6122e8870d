"""`tetrad serve local` as a process, and the repository and registry that it is started from."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
from gateways import AT, FILES, STACK, Served, alone

from tetrad.model.serving import Retain, Serving
from tetrad.pointer import Deployers, Pointer, PointerChange, ServedIdentity, seal_pointer
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import Place, open_ledger
from tetrad.snapshots.keeping import keep


@dataclass
class Registry:
    """A repository with an environment `local`, and its registry."""

    root: Path
    served: Served
    place: Place
    url: str = ""  # as TETRAD_REGISTRY names it, where it is no file

    def take(self, version: str, files: Mapping[str, str] = FILES) -> ServedIdentity:
        taken = self.served.take(version, files)
        with open_ledger(self.place) as ledger:
            keep(ledger, self.served.snapshots[taken.snapshot])
        return taken

    def deploy(
        self, live: ServedIdentity, *warm: ServedIdentity, retain: Retain | None = None, **how: Any
    ) -> int:
        """Write the next pointer, of a stack with this serving; gives its number."""
        with PointerStore(self.place, Deployers(environment="local")) as store:
            last = store.current()
            pointer = Pointer(
                environment="local",
                number=1 if last is None else last.number + 1,
                at=AT,
                commit="0" * 40,
                change=PointerChange(kind="deploy", stacks=(STACK,)),
                stacks={STACK: replace(alone(live, *warm), serving=Serving(**how))},
                retain=retain or Retain(),
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


def registry_in(folder: Path, place: Place | None = None, url: str = "") -> Registry:
    """A repository in a folder; its registry is a file unless a place is given."""
    root = folder / "repository"
    (root / "infra/environments").mkdir(parents=True)
    (root / "infra/environments/local.yaml").write_text("kind: environment\ntarget: local\n")
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    subprocess.run(["git", "init", "--quiet", root], check=True)
    served = Served(folder / "trees")
    return Registry(root, served, place or root / ".tetrad" / "registry.db", url)


@contextmanager
def serving(registry: Registry, upstream: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves `local`, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "tetrad", "--root", str(registry.root),
         "serve", "local", "--port", str(port), "--offline"],
        env={
            **os.environ,
            "UPSTREAM": upstream,
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


def until(is_so: Callable[[], bool], timeout_s: float = 60) -> None:
    """Wait for it, but not for ever."""
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def wait_for_status(address: str, status: int) -> None:
    """Until /readyz has the status."""
    until = time.monotonic() + 60
    while httpx2.get(f"{address}/readyz").status_code != status:
        assert time.monotonic() < until
        time.sleep(0.05)
