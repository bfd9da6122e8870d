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

VARIABLE = "KUBEBUILDER_ASSETS"
_PROGRAMS = ("etcd", "kube-apiserver", "kubectl")
_STARTS_S = 120


@dataclass(frozen=True)
class ControlPlane:
    """An API server, asked by kubectl as one of its users; all of them may do everything."""

    programs: Path
    server: str

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
def started(folder: Path, users: Sequence[str] = ()) -> Iterator[ControlPlane]:
    """An API server with no objects; a user's token is its name, and everybody is an administrator."""
    found = programs()
    client, peer, api = _free_ports(3)
    _openssl_key(folder / "sa.key")
    rows = [f'{name},{name},{name},"system:masters"' for name in ("admin", *users)]
    (folder / "tokens.csv").write_text("\n".join(rows) + "\n")
    with ExitStack() as running:
        etcd = [f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=error"]
        etcd += [f"--listen-client-urls=http://127.0.0.1:{client}"]
        etcd += [f"--advertise-client-urls=http://127.0.0.1:{client}"]
        etcd += [f"--listen-peer-urls=http://127.0.0.1:{peer}"]
        running.enter_context(_program(found / "etcd", etcd, folder / "etcd.log"))
        server = _server_flags(folder, client, api)
        running.enter_context(_program(found / "kube-apiserver", server, folder / "api.log"))
        plane = ControlPlane(found, f"https://127.0.0.1:{api}")
        _wait(plane, folder / "api.log")
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
        "--disable-admission-plugins=ServiceAccount",  # nothing makes accounts here
        "--endpoint-reconciler-type=none",
    ]


@contextmanager
def _program(program: Path, arguments: Sequence[str], log: Path) -> Iterator[None]:
    with log.open("w") as written:
        process = subprocess.Popen(
            [str(program), *arguments], stdout=written, stderr=written, start_new_session=True
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(plane: ControlPlane, log: Path) -> None:
    deadline = time.monotonic() + _STARTS_S
    while plane.kubectl("get", "--raw", "/readyz").stdout != "ok":
        if time.monotonic() > deadline:
            pytest.fail(f"the API server did not start: {log.read_text()[-2000:]}")
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
