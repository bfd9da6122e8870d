"""The gateway of rendered objects, run as a process on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_server

import httpx2

from objects.kubernetes import COMPONENT, Object

_STARTS_S = 90


@dataclass(frozen=True)
class RenderedGateway:
    """A gateway that was started."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_for(self, path: str, code: int, text: str = "") -> None:
        """Wait until a request is answered with this status and a body that has the text."""
        until = time.monotonic() + _STARTS_S
        while True:
            try:
                found = httpx2.get(f"{self.address}{path}")
            except httpx2.TransportError:
                pass
            else:
                if found.status_code == code and text in found.text:
                    return
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)


@contextmanager
def rendered_gateway(
    objects: Sequence[Object], folder: Path, environment: Mapping[str, str]
) -> Iterator[RenderedGateway]:
    """Start the gateway by its Deployment, with some variables in place of those it names there."""
    container, files = _gateway_of(objects)
    port = _free_port()
    mounted = folder / f"mounted-{port}"
    for path, text in files.items():
        (mounted / path).parent.mkdir(parents=True, exist_ok=True)
        (mounted / path).write_text(text)
    here = {"/etc/tetrad": str(mounted), "0.0.0.0": "127.0.0.1", "8080": str(port)}
    arguments = [here.get(argument, argument) for argument in container["args"]]
    log = folder / f"log-{port}"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tetrad", *arguments],
            env={
                **os.environ,
                **{v["name"]: v["value"] for v in container["env"] if "value" in v},
                "HOME": str(folder),
                "TETRAD_CACHE": str(folder / f"cache-{port}"),
                **environment,
            },
            stdout=written,
            stderr=written,
        )
    try:
        gateway = RenderedGateway(f"http://127.0.0.1:{port}", process, log)
        gateway.wait_for("/healthz", 200)
        yield gateway
    finally:
        process.terminate()
        process.wait(timeout=60)


def _gateway_of(objects: Sequence[Object]) -> tuple[Object, dict[str, str]]:
    """Its container, and the files that are mounted for it, by their paths in the folder."""
    deployment = next(
        o
        for o in objects
        if o["kind"] == "Deployment" and o["metadata"]["labels"][COMPONENT] == "gateway"
    )
    pod = deployment["spec"]["template"]["spec"]
    (volume,) = [v["configMap"] for v in pod["volumes"] if "configMap" in v]
    (held,) = [o["data"] for o in objects if o["metadata"]["name"] == volume["name"]]
    return pod["containers"][0], {i["path"]: held[i["key"]] for i in volume["items"]}


def _free_port() -> int:
    with create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port
