"""What a kubeconfig says of a context: where its API server is, and as whom to ask it.

Read and merged as kubectl does: the first file that names an entry has it, and paths in an entry start
at the folder of its file. Not taken over are `auth-provider`, which other programs replaced by
credential plugins, and the namespace of a context, which the environment's file gives.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tetrad.cluster_api.accounts import ApiServer, ClusterAccount, ClusterCredential
from tetrad.cluster_api.credential_plugin import CredentialPlugin
from tetrad.errors import KubeconfigUnusable

_VARIABLE = "KUBECONFIG"
_HELP = "\n  help: `kubectl config get-contexts` lists them; KUBECONFIG names the file"
_EXTENSION = "client.authentication.k8s.io/exec"


def kubeconfig_files() -> list[Path]:
    """Those that are there of the files that are named, or else the one in the home folder."""
    named = os.environ.get(_VARIABLE) or "~/.kube/config"
    files = [Path(name).expanduser() for name in named.split(os.pathsep) if name]
    return [file for file in files if file.exists()]


def read_context(name: str) -> tuple[ApiServer, ClusterAccount]:
    """The server and the account of a context; KubeconfigUnusable where one is not as it should be."""
    merged = _merged()
    context = merged.get(("contexts", name))
    if context is None:
        raise KubeconfigUnusable(f"the kubeconfig has no context {name!r}{_HELP}")
    cluster = _named(merged, context, "cluster")
    if cluster is None:
        raise context.wrong("names no cluster")
    user = _named(merged, context, "user")
    server = _server(cluster)
    return server, ClusterAccount() if user is None else _account(user, cluster, server)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """A context, a cluster or a user."""

    file: Path
    what: str
    values: Mapping[str, Any]

    def wrong(self, why: str) -> KubeconfigUnusable:
        return KubeconfigUnusable(f"{self.file}: {self.what} {why}")

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise self.wrong(f"has a {key} that is no text")
        return value or None

    def path(self, key: str) -> Path | None:
        value = self.text(key)
        return None if value is None else self.file.absolute().parent / value

    def pem(self, key: str) -> str | None:
        """From `KEY-data`, or else from the file that `KEY` names."""
        data, file = self.text(f"{key}-data"), self.path(key)
        try:
            if data is not None:
                return base64.b64decode(data, validate=True).decode("ascii")
            return None if file is None else file.read_text("ascii")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise self.wrong(f"has a {key} that is not PEM: {error}") from error
        except OSError as error:
            raise self.wrong(f"has a {key} that cannot be read: {error}") from error

    def part(self, key: str) -> _Entry | None:
        value = self.values.get(key)
        if value is not None and not isinstance(value, Mapping):
            raise self.wrong(f"has a {key} that is no mapping")
        if not value:
            return None
        return _Entry(file=self.file, what=f"{self.what}, {key},", values=value)

    def listed(self, key: str) -> list[Any]:
        value = self.values.get(key) or []
        if not isinstance(value, list):
            raise self.wrong(f"has {key} that are no list")
        return value


def _merged() -> dict[tuple[str, str], _Entry]:
    found: dict[tuple[str, str], _Entry] = {}
    for file in kubeconfig_files():
        for key, entry in _entries(file):
            found.setdefault(key, entry)
    return found


def _entries(file: Path) -> Iterator[tuple[tuple[str, str], _Entry]]:
    whole = _Entry(file=file, what="the kubeconfig", values=_document(file))
    for kind in ("contexts", "clusters", "users"):
        for item in whole.listed(kind):
            name = item.get("name") if isinstance(item, Mapping) else None
            values = None if name is None else item.get(kind[:-1]) or {}
            if not isinstance(values, Mapping):
                raise whole.wrong(f"has {kind} that are not each a name and a {kind[:-1]}")
            yield (kind, str(name)), _Entry(file=file, what=f"{kind[:-1]} {name!r}", values=values)


def _document(file: Path) -> Mapping[str, Any]:
    import yaml  # noqa: TID251 - what kubectl accepts is not what our own files are held to

    try:
        document = yaml.safe_load(file.read_bytes()) or {}
    except yaml.YAMLError as error:
        raise KubeconfigUnusable(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    except OSError as error:
        raise KubeconfigUnusable(f"{file} cannot be read: {error.strerror}") from error
    if not isinstance(document, Mapping):
        raise KubeconfigUnusable(f"{file} is not a kubeconfig: it is no mapping")
    return document


def _named(merged: Mapping[tuple[str, str], _Entry], context: _Entry, kind: str) -> _Entry | None:
    name = context.text(kind)
    if name is None:
        return None
    if (f"{kind}s", name) not in merged:
        raise context.wrong(f"names the {kind} {name!r}, which is not there")
    return merged[f"{kind}s", name]


def _server(cluster: _Entry) -> ApiServer:
    url = cluster.text("server")
    if url is None or not url.startswith(("http://", "https://")):
        raise cluster.wrong("has no server, or one that is no http:// or https:// address")
    authority, is_insecure = cluster.pem("certificate-authority"), False
    if cluster.values.get("insecure-skip-tls-verify") is True:
        is_insecure = True
        if authority is not None:
            raise cluster.wrong("has a certificate-authority and insecure-skip-tls-verify")
    return ApiServer(
        url=url.rstrip("/"),
        authority=authority,
        is_verified=not is_insecure,
        certified_name=cluster.text("tls-server-name"),
        proxy=cluster.text("proxy-url"),
    )


def _account(user: _Entry, cluster: _Entry, server: ApiServer) -> ClusterAccount:
    if "auth-provider" in user.values:
        raise user.wrong(
            "has an auth-provider, which is not supported"
            "\n  help: use a credential plugin (exec) or a token"
        )
    certificate, key = user.pem("client-certificate"), user.pem("client-key")
    if (certificate is None) != (key is None):
        raise user.wrong("has one of client-certificate and client-key, and not the other")
    return ClusterAccount(
        fixed=ClusterCredential(
            authorization=_authorization(user),
            certificate=None if certificate is None or key is None else (certificate, key),
        ),
        token_file=user.path("tokenFile"),
        plugin=_plugin(user, cluster, server),
        impersonation=tuple(_impersonation(user)),
    )


def _authorization(user: _Entry) -> str | None:
    token, name = user.text("token"), user.text("username")
    if token is not None:
        return f"Bearer {token}"
    if name is None:
        return None
    return "Basic " + base64.b64encode(f"{name}:{user.text('password') or ''}".encode()).decode()


def _impersonation(user: _Entry) -> Iterator[tuple[str, str]]:
    """The headers of whoever acts for another: without them it would act for itself, who may do more."""
    for key, header in (("as", "Impersonate-User"), ("as-uid", "Impersonate-Uid")):
        value = user.text(key)
        if value is not None:
            yield header, value
    for group in user.listed("as-groups"):
        yield "Impersonate-Group", str(group)
    extra = user.part("as-user-extra")
    for name in extra.values if extra is not None else ():
        for value in extra.listed(name) if extra is not None else ():
            yield f"Impersonate-Extra-{name}", str(value)


def _plugin(user: _Entry, cluster: _Entry, server: ApiServer) -> CredentialPlugin | None:
    given = user.part("exec")
    if given is None:
        return None
    command, version = given.text("command"), given.text("apiVersion")
    if command is None or version is None:
        raise given.wrong("has no command or no apiVersion")
    if os.sep in command:  # else it is looked for on PATH
        command = str(user.file.absolute().parent / command)
    variables = given.listed("env")
    if not all(isinstance(one, Mapping) and {"name", "value"} <= one.keys() for one in variables):
        raise given.wrong("has an env that is not names and values")
    return CredentialPlugin(
        command=(command, *map(str, given.listed("args"))),
        api_version=version,
        variables={str(one["name"]): str(one["value"]) for one in variables},
        cluster=_told(cluster, server) if given.values.get("provideClusterInfo") is True else None,
        interactive=given.text("interactiveMode") or "IfAvailable",
        hint=given.text("installHint") or "",
    )


def _told(cluster: _Entry, server: ApiServer) -> Mapping[str, Any]:
    """What a plugin is told of the cluster, in the words of its protocol."""
    authority = server.authority and base64.b64encode(server.authority.encode()).decode()
    extensions = [one for one in cluster.listed("extensions") if one.get("name") == _EXTENSION]
    told = {
        "server": server.url,
        "tls-server-name": server.certified_name,
        "insecure-skip-tls-verify": not server.is_verified,
        "certificate-authority-data": authority,
        "proxy-url": server.proxy,
        "config": extensions[0].get("extension") if extensions else None,
    }
    return {key: value for key, value in told.items() if value}
