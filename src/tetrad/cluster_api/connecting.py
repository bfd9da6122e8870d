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
        if not self._configuration.verify_ssl:
            _silence_tls_warnings()
        self._client = ApiClient(self._configuration)
        self.pool: Any = self._client.rest_client.pool_manager
        self.host: str = self._configuration.host.rstrip("/")

    def headers(self) -> dict[str, str]:
        from kubernetes.config import ConfigException

        try:
            settings = self._configuration.auth_settings().values()
        except (ConfigException, OSError) as error:
            raise ClusterError(f"no new token for {self.host}: {_first_line(error)}") from error
        return {s["key"]: s["value"] for s in settings if s["in"] == "header" and s["value"]}

    def close(self) -> None:
        self.pool.clear()


def _configuration(context: str) -> Any:
    """By the kubeconfig, where there is one: a job in a pod may mean another cluster than its own."""
    from kubernetes.config.incluster_config import SERVICE_HOST_ENV_NAME, SERVICE_TOKEN_FILENAME

    named = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    is_inside = SERVICE_HOST_ENV_NAME in os.environ and Path(SERVICE_TOKEN_FILENAME).is_file()
    if is_inside and not any(Path(file).exists() for file in named.split(os.pathsep)):
        return _of_service_account()
    return _of_kubeconfig(named, context)


def _of_service_account() -> Any:
    from kubernetes import config
    from kubernetes.client import Configuration

    found = Configuration()
    load: Any = config.load_incluster_config
    try:
        load(client_configuration=found)
    except (config.ConfigException, OSError) as error:
        raise ClusterError(f"the pod's service account: {_first_line(error)}") from error
    return found


def _of_kubeconfig(named: str, context: str) -> Any:
    import yaml  # noqa: TID251 - the library reads with it, and lets its errors through
    from kubernetes import config
    from kubernetes.client import Configuration

    found = Configuration()
    # The library takes what a file says for what it ought to say.
    unusable = (config.ConfigException, OSError, yaml.YAMLError, ValueError, TypeError, LookupError)
    load: Any = config.load_kube_config
    try:
        load(named, context=context, client_configuration=found, persist_config=False)
    except unusable as error:
        raise ClusterError(
            f"the kubeconfig has no usable context {context!r}: {_first_line(error)}"
            "\n  help: `kubectl config get-contexts` lists them; KUBECONFIG names the file"
        ) from error
    return found


def _silence_tls_warnings() -> None:
    """With `insecure-skip-tls-verify` urllib3 would warn of every connection. kubectl does not: whoever
    wrote that key knows, and pointers are believed by their signatures.
    """
    import urllib3

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


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
