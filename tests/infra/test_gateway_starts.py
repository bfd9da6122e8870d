"""A gateway starts by what its Deployment says, and follows the environment's pointer."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import SMALL, clustered, desired_of, point_at

from objects.everything import object_groups
from objects.kubernetes import COMPONENT, Object

pytest.importorskip("starlette", reason="needs the extra gateway")

_STARTS_S = 60


def gateway_of(objects: list[Object]) -> tuple[Object, dict[str, str]]:
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


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    root = clustered(tmp_path / "repository", SMALL)
    point_at(root)
    desired = desired_of(root)
    groups = object_groups(desired)
    container, files = gateway_of([obj for group in groups.values() for obj in group])
    mounted = tmp_path / "mounted"
    for path, text in files.items():
        (mounted / path).parent.mkdir(parents=True, exist_ok=True)
        (mounted / path).write_text(text)
    port = _free_port()
    said = {"/etc/tetrad": str(mounted), "0.0.0.0": "127.0.0.1", "8080": str(port)}
    arguments = [said.get(argument, argument) for argument in container["args"]]
    given = {v["name"]: v["value"] for v in container["env"] if "value" in v}
    environment = {
        **os.environ,
        **given,
        "HOME": str(tmp_path),
        "TETRAD_CACHE": str(tmp_path / "c"),
    }
    environment["TETRAD_REGISTRY"] = str(root / ".tetrad/registry.db")
    command = [sys.executable, "-P", "-m", "tetrad", *arguments]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stderr=log, stdout=log, text=True, env=environment)
        try:
            yield f"http://127.0.0.1:{port}", desired.models[0].name, process
        finally:
            process.terminate()
            process.wait(timeout=60)


def test_it_starts_and_says_which_model_server_it_misses(
    started: tuple[str, str, subprocess.Popen[str]],
) -> None:
    address, server, process = started

    _wait_for(f"{address}/healthz", 200, "", process)
    # No name service here knows the server, whose address comes of the model's digest.
    _wait_for(f"{address}/readyz", 503, f"http://{server}.llm.svc:8000/v1", process)


def _wait_for(url: str, code: int, text: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + _STARTS_S
    while True:
        try:
            found, body = _get(url)
        except (urllib.error.URLError, ConnectionError):
            found, body = 0, ""
        if found == code and text in body:
            return
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline, f"{url}: {found} {body}"
        time.sleep(0.2)


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        number: Any = held.getsockname()[1]
        return int(number)
