"""How a cluster is reached: by a context of the kubeconfig, or from inside a pod."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from tetrad.cluster_api.accounts import (
    ApiServer,
    ClusterAccount,
    ClusterCredential,
    is_in_pod,
    service_account,
)
from tetrad.cluster_api.kubeconfig import kubeconfig_files, read_context
from tetrad.errors import KubeconfigUnusable, MissingExtra

_CONNECT_S = 5.0
_UNAUTHORIZED = 401
# A peer that is gone without a word is found out within about ten seconds, not minutes.
_IDLE_S, _INTERVAL_S, _PROBES, _UNACKNOWLEDGED_MS = 5, 2, 3, 10_000


class Connection:
    """An API server, and the account that asks it; any number of threads use it at once."""

    def __init__(self, context: str) -> None:
        if find_spec("urllib3") is None:
            raise MissingExtra("infra", "an environment in Kubernetes")
        self._server, self._account = _reached(context)
        self._lock = threading.Lock()
        self._certificate: tuple[str, str] | None = None
        self._pool: Any = None

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        read_s: float,
    ) -> Any:
        """The response, whose body is still to be read; asked again where a credential was renewed."""
        send = partial(
            self._sent, method=method, path=path, body=body, headers=headers, read_s=read_s
        )
        credential = self._account.credential()
        response = send(credential)
        if response.status == _UNAUTHORIZED:
            renewed = self._account.credential(refused=credential)
            if renewed != credential:
                response.close()
                response = send(renewed)
        return response

    def close(self) -> None:
        with self._lock:
            if self._pool is not None:
                self._pool.clear()

    def _sent(
        self,
        credential: ClusterCredential,
        *,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        read_s: float,
    ) -> Any:
        import urllib3

        sent = urllib3.HTTPHeaderDict(headers)
        if credential.authorization is not None:
            sent.add("Authorization", credential.authorization)
        for name, value in self._account.impersonation:
            sent.add(name, value)
        return self._pool_for(credential.certificate).request(
            method,
            self._server.url + path,
            body=body,
            headers=sent,
            timeout=urllib3.Timeout(connect=_CONNECT_S, read=read_s),
            retries=False,
            preload_content=False,
        )

    def _pool_for(self, certificate: tuple[str, str] | None) -> Any:
        """Connections prove their account when they begin: with another certificate others begin."""
        with self._lock:
            if self._pool is None or self._certificate != certificate:
                self._pool, self._certificate = _pool(self._server, certificate), certificate
            return self._pool


def unanswered() -> tuple[type[Exception], ...]:
    """What a request raises that gets no answer, and reading one that ends midway."""
    from urllib3.exceptions import HTTPError

    return HTTPError, OSError, ValueError


def _reached(context: str) -> tuple[ApiServer, ClusterAccount]:
    """By the kubeconfig, where there is one: a job in a pod may mean another cluster than its own."""
    if not kubeconfig_files() and is_in_pod():
        return service_account()
    return read_context(context)


def _pool(server: ApiServer, certificate: tuple[str, str] | None) -> Any:
    import urllib3

    options: dict[str, Any] = {"maxsize": 16, "socket_options": _socket_options()}
    if server.url.startswith("https:"):
        options["ssl_context"] = _tls(server, certificate)
        options["cert_reqs"] = ssl.CERT_REQUIRED if server.is_verified else ssl.CERT_NONE
        if not server.is_verified:
            _silence_tls_warnings()
        if server.certified_name is not None:
            options["server_hostname"] = server.certified_name
    proxy = server.proxy or _proxy_for(server.url)
    if proxy is None:
        return urllib3.PoolManager(**options)
    told = urlsplit(proxy)
    if told.scheme in {"socks5", "socks5h"}:
        return _socks(proxy, options)
    if told.scheme not in {"http", "https"} or not told.hostname:
        raise KubeconfigUnusable(f"the proxy {proxy!r} is no http, https or socks5 address")
    if told.username is not None:
        named = f"{told.username}:{told.password or ''}"
        options["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=named)
    return urllib3.ProxyManager(proxy, **options)


def _silence_tls_warnings() -> None:
    """With `insecure-skip-tls-verify` urllib3 would warn of every connection. kubectl does not: whoever
    wrote that key knows, and pointers are believed by their signatures.
    """
    import urllib3

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


def _socks(proxy: str, options: Mapping[str, Any]) -> Any:
    try:
        from urllib3.contrib.socks import SOCKSProxyManager
    except ImportError as error:
        raise KubeconfigUnusable(
            f"the proxy {proxy} needs PySocks\n  help: pip install pysocks"
        ) from error
    # The proxy finds the host, which nobody else may know.
    return SOCKSProxyManager(f"socks5h://{proxy.partition('://')[2]}", **options)


def _proxy_for(url: str) -> str | None:
    """By HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in which kubectl takes networks, too."""
    proxies, parts = getproxies_environment(), urlsplit(url)
    host = parts.hostname or ""
    exempt = ["localhost", "127.0.0.0/8", "::1/128", *proxies.get("no", "").lower().split(",")]
    if any(_is_exempt(host, parts.netloc.lower(), one.strip()) for one in exempt):
        return None
    return proxies.get(parts.scheme)


def _is_exempt(host: str, netloc: str, entry: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:  # a name
        named = entry.removeprefix("*").removeprefix(".")
        is_named = any(it == named or it.endswith(f".{named}") for it in (host, netloc))
        return entry == "*" or bool(named and is_named)


def _tls(server: ApiServer, certificate: tuple[str, str] | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=server.authority)
    except ssl.SSLError as error:
        raise KubeconfigUnusable(f"{server.url}: its certificate-authority: {error}") from error
    # As kubectl trusts: what the file gives is trusted itself, and need not have newer extensions.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not server.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        _prove(context, certificate, server.url)
    return context


def _prove(context: ssl.SSLContext, certificate: tuple[str, str], url: str) -> None:
    """Python takes a certificate from files alone; they are gone again before anything is sent."""
    with TemporaryDirectory(prefix="tetrad-") as folder:
        files = [Path(folder) / name for name in ("certificate", "key")]
        for file, text in zip(files, certificate, strict=True):
            file.touch(mode=0o600)
            file.write_text(text, "ascii")
        try:
            context.load_cert_chain(files[0], files[1], password="")
        except (ssl.SSLError, ValueError) as error:
            raise KubeconfigUnusable(f"{url}: the client's certificate: {error}") from error


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
