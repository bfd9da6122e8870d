"""Controllers, a scheduler and simulated nodes beside an API server: pods come, wait, run and fail."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from control_plane import ControlPlane

_PROGRAMS = ("kube-controller-manager", "kube-scheduler", "kwok")
STAGES = Path(__file__).parent / "infra/kwok.yaml"


@contextmanager
def simulated(plane: ControlPlane, folder: Path, *, gpus: int = 64) -> Iterator[None]:
    """One node with GPUs; skips where a program is missing."""
    missing = [name for name in _PROGRAMS if not (plane.programs / name).exists()]
    if missing:
        pytest.skip(f"{plane.programs} has no {missing[0]}")
    config = folder / "controllers-kubeconfig"
    config.write_text(json.dumps(kubeconfig(plane, "plane")))
    add_nodes(plane, ["gpu-0"], gpus=gpus)
    with ExitStack() as running:
        manager = ["--leader-elect=false", f"--service-account-private-key-file={folder}/sa.key"]
        _start(running, plane, config, folder, "kube-controller-manager", manager)
        _start(running, plane, config, folder, "kube-scheduler", ["--leader-elect=false"])
        stages = [f"--config={STAGES}", "--manage-all-nodes=true", "--cidr=10.244.0.0/16"]
        stages.append("--node-lease-duration-seconds=40")
        kwok = [*stages, f"--server-address=127.0.0.1:{_free_port()}"]
        _start(running, plane, config, folder, "kwok", kwok, secure=False)
        yield


def kubeconfig(plane: ControlPlane, context: str) -> object:
    """An administrator's."""
    authority = str(plane.folder / "certs/apiserver.crt")
    server = {"server": plane.server, "certificate-authority": authority}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": server}],
        "users": [{"name": "user", "user": {"token": "admin"}}],
        "contexts": [{"name": context, "context": {"cluster": "cluster", "user": "user"}}],
        "current-context": context,
    }


def add_nodes(plane: ControlPlane, names: Sequence[str], *, gpus: int) -> None:
    size = {"cpu": "960", "memory": "16Ti", "pods": "110", "nvidia.com/gpu": str(gpus)}
    nodes = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}},
            "spec": {"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]},
            "status": {"allocatable": size, "capacity": size},
        }
        for name in names
    ]
    assert plane.apply(nodes).returncode == 0
    done = plane.apply(nodes, "--subresource=status")
    assert done.returncode == 0, done.stderr


def _start(
    running: ExitStack,
    plane: ControlPlane,
    config: Path,
    folder: Path,
    name: str,
    arguments: Sequence[str],
    *,
    secure: bool = True,
) -> None:
    command = [str(plane.programs / name), f"--kubeconfig={config}", *arguments]
    if secure:
        command += ["--bind-address=127.0.0.1", f"--secure-port={_free_port()}"]
        command.append(f"--cert-dir={folder / name}-certs")
    log = running.enter_context((folder / f"{name}.log").open("w"))
    process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    running.callback(process.wait)
    running.callback(process.terminate)


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port
