"""Whom a kubeconfig makes of who asks, as a real API server sees it: the same as by kubectl."""

from __future__ import annotations

import base64
import json
import os
import re
import select
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from control_plane import ControlPlane, started

from tetrad.cluster_api import ClusterApi, ResourceCollection
from tetrad.cluster_api import accounts as of_pods
from tetrad.errors import ClusterError

pytestmark = pytest.mark.campaign  # a real API server, for a minute

CONFIG_MAPS = ResourceCollection(api="api/v1", resource="configmaps")
USERS = ("ann", "bob")
ALPHA, V1 = (f"client.authentication.k8s.io/{version}" for version in ("v1beta1", "v1"))


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Nobody may do anything but an administrator; who asks is named in the refusal."""
    with started(tmp_path_factory.mktemp("plane"), strangers=USERS) as running:
        yield running


@dataclass(frozen=True)
class Configured:
    """Folders with kubeconfigs, and what KUBECONFIG names of them."""

    folder: Path
    plane: ControlPlane
    monkeypatch: pytest.MonkeyPatch

    def cluster(self, **changes: Any) -> dict[str, Any]:
        authority = str(self.plane.folder / "certs/apiserver.crt")
        return {"server": self.plane.server, "certificate-authority": authority, **changes}

    def write(self, where: str, **entries: Any) -> Path:
        """A file with some of cluster, user and context, each of the name `it`."""
        document = {f"{kind}s": [{"name": "it", kind: values}] for kind, values in entries.items()}
        file = self.folder / where
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **document}))
        return file

    def use(self, *files: Path) -> None:
        self.monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, files)))

    def user(self, **changes: Any) -> None:
        """One file, with a user of these values."""
        context = {"cluster": "it", "user": "it"}
        self.use(self.write("home/config", cluster=self.cluster(), user=changes, context=context))

    def program(self, text: str) -> None:
        """A credential plugin beside the kubeconfig."""
        file = self.folder / "home/bin/plugin"
        file.parent.mkdir(parents=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)


@pytest.fixture
def configured(plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configured:
    return Configured(tmp_path, plane, monkeypatch)


def asked() -> str:
    """The user that the server takes us for."""
    with ClusterApi("it", "llm") as api, pytest.raises(ClusterError) as refused:
        api.listed(CONFIG_MAPS)
    return _user(str(refused.value))


def asked_by_kubectl(plane: ControlPlane) -> str:
    command = [str(plane.programs / "kubectl"), "--context", "it", "--namespace", "llm"]
    done = subprocess.run(
        [*command, "get", "configmaps"], capture_output=True, text=True, check=False
    )
    return _user(done.stderr)


def _user(told: str) -> str:
    found = re.search(r'configmaps is forbidden: User "(.+?)" cannot list resource', told)
    assert found is not None, told
    return found.group(1)


def credential(version: str, **status: str) -> str:
    """What a plugin answers."""
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def plugin(version: str = V1, **more: Any) -> dict[str, Any]:
    command = {"apiVersion": version, "command": "./bin/plugin", "interactiveMode": "Never"}
    return {"exec": {**command, **more}}


def test_a_token_is_sent(configured: Configured) -> None:
    configured.user(token="ann")

    assert (asked(), asked_by_kubectl(configured.plane)) == ("ann", "ann")


def test_a_token_in_a_file_goes_before_the_other_and_is_read_anew(configured: Configured) -> None:
    configured.user(token="ann", tokenFile="token")
    file = configured.folder / "home/token"
    file.write_text("bob\n")
    with ClusterApi("it", "llm") as api:
        for name in ("bob", "ann"):
            file.write_text(name)
            with pytest.raises(ClusterError, match=f'User "{name}"'):
                api.listed(CONFIG_MAPS)
    file.write_text("bob\n")

    assert asked_by_kubectl(configured.plane) == "bob"


def test_a_certificate_proves_who_asks(configured: Configured) -> None:
    certificate, key = configured.plane.certificate("ann")
    configured.user(
        **{"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    )

    assert (asked(), asked_by_kubectl(configured.plane)) == ("ann", "ann")


def test_of_several_files_each_adds_what_those_before_do_not_have(configured: Configured) -> None:
    """Paths begin at the folder of the file that has them; a file need not be there, or say anything."""
    certificate, key = configured.plane.certificate("ann")
    user = {"client-certificate": "ann.crt", "client-key": "ann.key"}
    chosen = {"cluster": "it", "user": "it"}
    files = [
        configured.folder / "none",
        configured.write("a/config", context=chosen, cluster=configured.cluster()),
        configured.write("b/config", user=user, context={"cluster": "none"}),
        configured.write("c/config", user={"token": "bob"}),
    ]
    (configured.folder / "b/ann.crt").write_text(certificate)
    (configured.folder / "b/ann.key").write_text(key)
    empty = configured.folder / "empty"
    empty.write_text("")
    configured.use(empty, *files)

    assert (asked(), asked_by_kubectl(configured.plane)) == ("ann", "ann")


@pytest.mark.parametrize("version", [ALPHA, V1])
def test_a_plugin_gives_a_token(version: str, configured: Configured) -> None:
    configured.program(f"echo '{credential(version, token='TOKEN')}' | sed s/TOKEN/$NAMED$1/")
    named = [{"name": "NAMED", "value": "an"}]
    configured.user(**plugin(version, args=["n"], env=named))

    assert (asked(), asked_by_kubectl(configured.plane)) == ("ann", "ann")


def test_a_plugin_gives_a_certificate(configured: Configured) -> None:
    certificate, key = configured.plane.certificate("bob")
    told = credential(V1, clientCertificateData=certificate, clientKeyData=key)
    (configured.folder / "told").write_text(told)
    configured.program(f"cat {configured.folder}/told")
    configured.user(**plugin())

    assert (asked(), asked_by_kubectl(configured.plane)) == ("bob", "bob")


def test_a_token_that_is_given_goes_before_a_plugin(configured: Configured) -> None:
    configured.program("exit 1")
    configured.user(token="ann", **plugin())

    assert (asked(), asked_by_kubectl(configured.plane)) == ("ann", "ann")


def test_a_plugin_is_told_of_the_cluster_that_it_is_for(configured: Configured) -> None:
    seen = configured.folder / "seen"
    told = credential(V1, token="ann")
    configured.program(f"echo \"$KUBERNETES_EXEC_INFO\" > {seen}; echo '{told}'")
    configured.user(**plugin(provideClusterInfo=True))
    found = []

    for ask in (asked, lambda: asked_by_kubectl(configured.plane)):
        ask()
        found.append(json.loads(seen.read_text())["spec"])

    said = {key: value for key, value in found[1]["cluster"].items() if value is not None}
    assert found[0]["cluster"] == said
    assert found[0]["interactive"] is False


def test_a_plugin_is_asked_again_when_its_answer_expires_or_is_refused(
    configured: Configured,
) -> None:
    runs, answers = configured.folder / "runs", configured.folder / "answers"
    answers.mkdir()
    expired, future = "2026-01-01T00:00:00Z", "2126-01-01T00:00:00Z"
    for number, (token, expires) in enumerate(
        [("ann", expired), ("nobody", future), ("bob", future), ("ann", future)], 1
    ):
        told = credential(V1, token=token, expirationTimestamp=expires)
        (answers / str(number)).write_text(told)
    configured.program(f"echo >> {runs}; cat {answers}/$(wc -l < {runs})")
    configured.user(**plugin())
    found = []
    with ClusterApi("it", "llm") as api:
        for _ in range(3):
            with pytest.raises(ClusterError) as refused:
                api.listed(CONFIG_MAPS)
            found.append(_user(str(refused.value)))

    assert found == ["ann", "bob", "bob"]
    assert runs.read_text() == "\n" * 3


def test_who_acts_for_another_is_that_one(configured: Configured) -> None:
    configured.user(token="admin", **{"as": "carl", "as-groups": ["staff", "others"]})

    assert (asked(), asked_by_kubectl(configured.plane)) == ("carl", "carl")


@pytest.mark.parametrize(
    "changes",
    [
        {"tls-server-name": "kubernetes.default.svc"},
        {"certificate-authority": "", "insecure-skip-tls-verify": True},
    ],
)
def test_the_server_may_be_proven_otherwise(
    changes: dict[str, Any], configured: Configured
) -> None:
    context = {"cluster": "it", "user": "it"}
    cluster = configured.cluster(**changes)
    configured.use(configured.write("a/c", cluster=cluster, user={"token": "ann"}, context=context))

    assert (asked(), asked_by_kubectl(configured.plane)) == ("ann", "ann")


def test_a_server_that_another_authority_proves_is_not_asked(configured: Configured) -> None:
    context = {"cluster": "it", "user": "it"}
    cluster = configured.cluster()
    cluster["certificate-authority"] = str(configured.plane.folder / "clients/ca.crt")
    configured.use(configured.write("a/c", cluster=cluster, user={"token": "ann"}, context=context))

    with ClusterApi("it", "llm") as api, pytest.raises(ClusterError, match="certificate verify"):
        api.listed(CONFIG_MAPS)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_of_the_cluster_is_gone_through(configured: Configured, scheme: str) -> None:
    context = {"cluster": "it", "user": "it"}
    with served_by({"http": Connect, "socks5": Socks}[scheme]) as (port, connected):
        cluster = configured.cluster(**{"proxy-url": f"{scheme}://127.0.0.1:{port}"})
        entries = {"cluster": cluster, "user": {"token": "ann"}, "context": context}
        configured.use(configured.write("a/c", **entries))

        assert (asked(), asked_by_kubectl(configured.plane)) == ("ann", "ann")
    assert connected[0] == configured.plane.server.removeprefix("https://")


def test_in_a_pod_without_a_kubeconfig_its_account_is_used(configured: Configured) -> None:
    host, port = configured.plane.server.removeprefix("https://").split(":")
    account = configured.folder / "account"
    account.mkdir()
    (account / "token").write_text("bob")
    authority = configured.plane.folder / "certs/apiserver.crt"
    (account / "ca.crt").write_bytes(authority.read_bytes())
    configured.monkeypatch.setattr(of_pods, "SERVICE_ACCOUNT", account)
    configured.monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    configured.monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    configured.use(configured.folder / "none")

    assert asked() == "bob"
    configured.user(token="ann")
    assert asked() == "ann"


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, handler: type[socketserver.StreamRequestHandler]) -> None:
        self.connected: list[str] = []  # hosts and ports
        super().__init__(("127.0.0.1", 0), handler)


class Relay(socketserver.StreamRequestHandler):
    server: Proxy

    def relay(self, host: str, port: int, granted: bytes) -> None:
        self.server.connected.append(f"{host}:{port}")
        with socket.create_connection((host, port)) as server:
            self.wfile.write(granted)
            _join(self.connection, server)


class Connect(Relay):
    """By HTTP's CONNECT."""

    def handle(self) -> None:
        method, where, _ = self.rfile.readline().decode().split()
        assert method == "CONNECT"
        while self.rfile.readline().strip():
            pass
        host, port = where.rsplit(":", 1)
        self.relay(host, int(port), b"HTTP/1.1 200 OK\r\n\r\n")


class Socks(Relay):
    """SOCKS 5 without an account: RFC 1928."""

    def handle(self) -> None:
        _, methods = self.rfile.read(2)
        self.rfile.read(methods)
        self.wfile.write(b"\5\0")
        *_, kind = self.rfile.read(4)
        if kind == 1:
            host = socket.inet_ntoa(self.rfile.read(4))
        else:
            host = self.rfile.read(self.rfile.read(1)[0]).decode()
        port = int.from_bytes(self.rfile.read(2), "big")
        self.relay(host, port, b"\5\0\0\1" + bytes(6))


@contextmanager
def served_by(handler: type[Relay]) -> Iterator[tuple[int, list[str]]]:
    """The port of a proxy, and where it was asked to connect."""
    with Proxy(handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        try:
            yield served.server_address[1], served.connected
        finally:
            served.shutdown()
            thread.join()


def _join(*sides: socket.socket) -> None:
    while True:
        for side in select.select(sides, (), ())[0]:
            data = side.recv(65536)
            if not data:
                return
            sides[side is sides[0]].sendall(data)
