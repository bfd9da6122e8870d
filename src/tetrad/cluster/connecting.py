"""How a cluster is reached: by a context of the kubeconfig, or from inside a pod."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from tetrad.errors import ClusterError, MissingExtra

# A peer that is gone without a word is found out within about ten seconds, not minutes.
_IDLE_S, _INTERVAL_S, _PROBES, _UNACKNOWLEDGED_MS = 5, 2, 3, 10_000


class Connection:
    """Where the API server is, and what to authenticate with; tokens are renewed as they expire."""

    def __init__(self, context: str) -> None:
        try:
            from kubernetes.client import ApiClient
        except ImportError as error:
            raise MissingExtra("infra", "an environment in Kubernetes") from error
        self._configuration: Any = _configuration(context)
        self._configuration.socket_options = _socket_options()
        self._client = ApiClient(self._configuration)
        self.pool: Any = self._client.rest_client.pool_manager
        self.host: str = self._configuration.host.rstrip("/")

    def headers(self) -> dict[str, str]:
        settings = self._configuration.auth_settings().values()
        return {s["key"]: s["value"] for s in settings if s["in"] == "header" and s["value"]}

    def close(self) -> None:
        self.pool.clear()


def _configuration(context: str) -> Any:
    from kubernetes import config
    from kubernetes.client import Configuration
    from kubernetes.config.incluster_config import SERVICE_HOST_ENV_NAME, SERVICE_TOKEN_FILENAME

    found = Configuration()
    named = os.environ.get("KUBECONFIG") or "~/.kube/config"
    load: Any = config.load_kube_config
    load_inside: Any = config.load_incluster_config
    try:
        load(named, context=context, client_configuration=found, persist_config=False)
    except (config.ConfigException, OSError) as error:
        is_inside = SERVICE_HOST_ENV_NAME in os.environ and Path(SERVICE_TOKEN_FILENAME).is_file()
        if not is_inside:
            raise ClusterError(
                f"the kubeconfig has no usable context {context!r}: {_first_line(error)}"
                "\n  help: `kubectl config get-contexts` lists them; KUBECONFIG names the file"
            ) from error
        try:
            load_inside(client_configuration=found)
        except (config.ConfigException, OSError) as problem:
            raise ClusterError(f"the pod's service account: {_first_line(problem)}") from problem
    return found


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _socket_options() -> list[tuple[int, int, int]]:
    options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    ]
    for name, value in (
        ("TCP_KEEPIDLE", _IDLE_S),  # Linux
        ("TCP_KEEPALIVE", _IDLE_S),  # macOS, which has the same under another name
        ("TCP_KEEPINTVL", _INTERVAL_S),
        ("TCP_KEEPCNT", _PROBES),
        ("TCP_USER_TIMEOUT", _UNACKNOWLEDGED_MS),
    ):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options
