"""A real registry of OCI artifacts on this machine: Debian's docker-registry."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import httpx2
import pytest

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

needs_registry = pytest.mark.skipif(
    shutil.which("docker-registry") is None, reason="docker-registry is not installed"
)
LOGIN = "ci:s3cret"
_BCRYPT = "$2y$04$35If89c7quGytbIIEJseQ.5n02eHsUszSQD9ZhaqLJbiY8hYCbh/i"
TOKEN = "token-of-this-test"


@contextmanager
def registry(folder: Path, *, login: bool = False) -> Iterator[str]:
    """Run one with its files in a folder; gives its host."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    (folder / "htpasswd").write_text(f"ci:{_BCRYPT}\n")
    settings = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "store")}},
        "http": {"addr": host},
    }
    if login:
        settings["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    (folder / "config.yml").write_text(json.dumps(settings))
    command = ["docker-registry", "serve", str(folder / "config.yml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(host, process, folder / "log")
        yield host
    finally:
        process.terminate()
        process.wait()


def _wait_for(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = monotonic() + 30
    while process.poll() is None and monotonic() < until:
        try:
            httpx2.get(f"http://{host}/v2/")
        except httpx2.TransportError:
            sleep(0.05)
        else:
            return
    pytest.fail(f"docker-registry did not start: {log.read_text()}")


@contextmanager
def at_root(app: Starlette) -> Iterator[str]:
    """Serve an application as a registry is, without a path before its own; gives its host."""
    import uvicorn

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            sleep(0.005)
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def log_in(folder: Path, host: str, login: str = LOGIN) -> None:
    """Write what `docker login` would; DOCKER_CONFIG names the folder."""
    folder.mkdir(exist_ok=True)
    auth = base64.b64encode(login.encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))


def behind_tokens(host: str, asked: list[str]) -> Starlette:
    """A service in front of a registry that takes its own tokens only, and gives them for a login;
    `asked` notes the scopes that tokens were asked for.
    """
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def token(request: Request) -> Response:
        asked.append(request.query_params["scope"])
        basic = base64.b64encode(LOGIN.encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"errors": []}, 401)
        return JSONResponse({"token": TOKEN})

    async def forward(request: Request) -> Response:
        own = f"http://{request.url.netloc}"
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            scope = f"repository:{request.path_params['rest'].split('/manifests')[0]}:pull,push"
            challenge = f'Bearer realm="{own}/token",service="test",scope="{scope}"'
            return Response(status_code=401, headers={"WWW-Authenticate": challenge})
        kept = ("accept", "content-type")
        async with httpx2.AsyncClient() as client:
            answer = await client.request(
                request.method,
                f"http://{host}{request.url.path}?{request.url.query}",
                content=await request.body(),
                headers={name: request.headers[name] for name in kept if name in request.headers},
            )
        headers = {k: v for k, v in answer.headers.items() if k in {"location", "content-type"}}
        if "location" in headers:
            headers["location"] = headers["location"].replace(f"http://{host}", own)
        return Response(answer.content, answer.status_code, headers)

    methods = ["GET", "HEAD", "POST", "PUT"]
    return Starlette(
        routes=[Route("/token", token), Route("/v2/{rest:path}", forward, methods=methods)]
    )
