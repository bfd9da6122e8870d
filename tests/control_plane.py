"""A Kubernetes API server on loopback, from the programs in KUBEBUILDER_ASSETS."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from client_certificates import make_authority, signed

VARIABLE = "KUBEBUILDER_ASSETS"
_PROGRAMS = ("etcd", "kube-apiserver", "kubectl")
_STARTS_S = 120


@dataclass(frozen=True)
class ControlPlane:
    """An API server, asked by kubectl as one of its users; all of them may do everything."""

    programs: Path
    server: str
    folder: Path
    _served: _Program

    def kubeconfig(self, *contexts: str, user: str = "admin") -> Path:
        """A file with contexts by which a user reaches it."""
        authority = str(self.folder / "certs/apiserver.crt")
        cluster = {"server": self.server, "certificate-authority": authority}
        chosen = {"cluster": "plane", "user": user}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "plane", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": user}}],
            "contexts": [{"name": name, "context": chosen} for name in contexts],
        }
        file = self.folder / f"kubeconfig-{user.replace(':', '-')}-{'-'.join(contexts)}"
        file.write_text(json.dumps(document))
        return file

    def certificate(self, user: str) -> tuple[str, str]:
        """By which the server knows a user, and its key."""
        return signed(self.folder / "clients", user)

    def stop(self) -> None:
        """Let nobody reach it any more, from one moment to the next; what it knows stays."""
        self._served.kill()

    def start(self) -> None:
        """Let everybody reach it again."""
        self._served.start()
        _wait(self)

    def kubectl(
        self, *arguments: str, user: str = "admin", given: object = None
    ) -> subprocess.CompletedProcess[str]:
        command = [str(self.programs / "kubectl"), "--server", self.server]
        command += ["--insecure-skip-tls-verify", "--token", user, *arguments]
        text = None if given is None else json.dumps(given)
        return subprocess.run(
            command, input=text, capture_output=True, text=True, check=False, timeout=120
        )

    def apply(
        self, objects: Sequence[Any], *options: str, user: str = "admin"
    ) -> subprocess.CompletedProcess[str]:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        return self.kubectl("apply", "--server-side", *options, "-f", "-", user=user, given=listed)

    def get(self, *arguments: str) -> Any:
        found = self.kubectl("get", *arguments, "-o", "json")
        assert found.returncode == 0, found.stderr
        return json.loads(found.stdout)


def programs() -> Path:
    """The folder of the programs; skips where there are none."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        pytest.skip(f"{VARIABLE} names no folder with {', '.join(_PROGRAMS)}")
    missing = [name for name in _PROGRAMS if not (Path(folder) / name).exists()]
    if missing:
        pytest.skip(f"{VARIABLE}={folder} has no {missing[0]}")
    return Path(folder)


@contextmanager
def started(
    folder: Path, users: Sequence[str] = (), strangers: Sequence[str] = ()
) -> Iterator[ControlPlane]:
    """An API server with no objects; a user's token is its name, and everybody is an administrator but
    the strangers, who may do what a Role gives them.
    """
    found = programs()
    client, peer, api = _free_ports(3)
    _openssl_key(folder / "sa.key")
    make_authority(folder / "clients")
    rows = [f'{name},{name},{name},"system:masters"' for name in ("admin", *users)]
    rows += [f"{name},{name},{name}" for name in strangers]
    (folder / "tokens.csv").write_text("\n".join(rows) + "\n")
    with ExitStack() as running:
        etcd = [f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=error"]
        etcd += [f"--listen-client-urls=http://127.0.0.1:{client}"]
        etcd += [f"--advertise-client-urls=http://127.0.0.1:{client}"]
        etcd += [f"--listen-peer-urls=http://127.0.0.1:{peer}"]
        _run(running, _Program(found / "etcd", etcd, folder / "etcd.log"))
        flags = _server_flags(folder, client, api)
        served = _Program(found / "kube-apiserver", flags, folder / "api.log")
        _run(running, served)
        plane = ControlPlane(found, f"https://127.0.0.1:{api}", folder, served)
        _wait(plane)
        yield plane


def _server_flags(folder: Path, client: int, api: int) -> list[str]:
    return [
        f"--etcd-servers=http://127.0.0.1:{client}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={api}",
        f"--cert-dir={folder / 'certs'}",
        "--service-cluster-ip-range=10.0.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'sa.key'}",
        f"--service-account-signing-key-file={folder / 'sa.key'}",
        "--authorization-mode=RBAC",
        f"--token-auth-file={folder / 'tokens.csv'}",
        f"--client-ca-file={folder / 'clients/ca.crt'}",
        "--disable-admission-plugins=ServiceAccount",  # nothing makes accounts here
        "--endpoint-reconciler-type=none",
    ]


class _Program:
    def __init__(self, program: Path, arguments: Sequence[str], log: Path) -> None:
        self._command = [str(program), *arguments]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as written:
            self._process = subprocess.Popen(
                self._command, stdout=written, stderr=written, start_new_session=True
            )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _run(running: ExitStack, program: _Program) -> None:
    running.callback(program.stop)
    program.start()


def _wait(plane: ControlPlane) -> None:
    deadline = time.monotonic() + _STARTS_S
    while plane.kubectl("get", "--raw", "/readyz").stdout != "ok":
        if time.monotonic() > deadline:
            pytest.fail(
                f"the API server did not start: {(plane.folder / 'api.log').read_text()[-2000:]}"
            )
        time.sleep(0.3)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _openssl_key(file: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )


def definitions_in(folder: Path) -> list[Any]:
    """Of the schemas of a folder, named GROUP_VERSION_KIND.json."""
    found = []
    for file in sorted(folder.glob("*.json")):
        group, version, kind = file.stem.split("_")
        found.append(_definition(group, version, kind, json.loads(file.read_text())))
    return found


def _definition(group: str, version: str, kind: str, schema: Any) -> Any:
    """A CustomResourceDefinition of one version, from its schema."""
    plural = f"{kind.lower()}s"
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    served = {"name": version, "served": True, "storage": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {
            "group": group,
            "names": names,
            "scope": "Namespaced",
            "versions": [{**served, "schema": {"openAPIV3Schema": schema}}],
        },
    }
