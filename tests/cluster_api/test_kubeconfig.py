"""Kubeconfigs by which nothing can be asked: each is told in one message with what to do."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tetrad.cluster_api import ClusterApi, ResourceCollection
from tetrad.errors import ClusterError, ExitCode, KubeconfigUnusable

pytest.importorskip("urllib3", reason="needs the extra infra")

_NOT_PEM = base64.b64encode(b"no certificate").decode()
_V1 = "client.authentication.k8s.io/v1"


def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> ClusterError:
    """What is told of a file."""
    (tmp_path / "config").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with ClusterApi("it", "llm") as api, pytest.raises(ClusterError) as told:
        api.get(ResourceCollection(api="api/v1", resource="configmaps"), "pointer")
    return told.value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is not YAML"),
        ("[]", "the kubeconfig has no context 'it'"),
        ("[a]", "it is no mapping"),
        ("", "the kubeconfig has no context 'it'"),
        ("contexts: 3", "has contexts that are no list"),
        ("contexts: [3]", "has contexts that are not each a name and a context"),
        ("contexts: [{name: it}]", "context 'it' names no cluster"),
        ("contexts: [{name: it, context: {cluster: [a]}}]", "has a cluster that is no text"),
        (
            "contexts: [{name: it, context: {cluster: none, user: a}}]",
            "names the cluster 'none', which is not there",
        ),
    ],
)
def test_a_file_that_names_no_cluster(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = ask(tmp_path, monkeypatch, text)

    assert told in str(error)
    assert error.exit_code == ExitCode.MISUSE


def test_no_file_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    with ClusterApi("it", "llm") as api, pytest.raises(KubeconfigUnusable) as told:
        api.now()

    assert "help: `kubectl config get-contexts` lists them" in str(told.value)


@pytest.mark.parametrize(
    ("cluster", "user", "told"),
    [
        ({"server": ""}, {}, "cluster 'a' has no server, or one that is no http"),
        ({"server": "a:443"}, {}, "cluster 'a' has no server, or one that is no http"),
        ({"certificate-authority": "none"}, {}, "has a certificate-authority that cannot be read"),
        ({"certificate-authority-data": "?"}, {}, "has a certificate-authority that is not PEM"),
        ({"certificate-authority-data": _NOT_PEM}, {}, "its certificate-authority: "),
        (
            {"certificate-authority": "config", "insecure-skip-tls-verify": True},
            {},
            "has a certificate-authority and insecure-skip-tls-verify",
        ),
        ({"proxy-url": "ftp://a"}, {}, "the proxy 'ftp://a' is no http, https or socks5 address"),
        ({}, {"auth-provider": {"name": "oidc"}}, "has an auth-provider, which is not supported"),
        ({}, {"client-certificate": "config"}, "has one of client-certificate and client-key"),
        (
            {},
            {"client-certificate-data": _NOT_PEM, "client-key-data": _NOT_PEM},
            "the client's certificate: ",
        ),
        ({}, {"tokenFile": "none"}, "none cannot be read"),
        ({}, {"exec": {}}, "the API server does not answer"),
        ({}, {"exec": {"command": "a"}}, "has no command or no apiVersion"),
        ({}, {"exec": {"command": "a", "apiVersion": _V1, "env": [1]}}, "an env that is not names"),
        (
            {},
            {"exec": {"command": "no-such-plugin", "apiVersion": _V1, "installHint": "get it"}},
            "the credential plugin no-such-plugin is not there\n  help: get it",
        ),
        (
            {},
            {"exec": {"command": "true", "apiVersion": _V1, "interactiveMode": "Always"}},
            "the credential plugin true asks somebody at a terminal, and there is none",
        ),
    ],
)
def test_an_entry_that_is_not_as_it_should_be(
    cluster: dict[str, Any],
    user: dict[str, Any],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = {
        "contexts": [{"name": "it", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:9", **cluster}}],
        "users": [{"name": "a", "user": user}],
    }

    assert told in str(ask(tmp_path, monkeypatch, json.dumps(document)))


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("echo sign in first >&2; exit 3", "ended with 3: sign in first"),
        ("echo token", "gave no ExecCredential"),
        ("echo []", "gave no ExecCredential"),
        ('echo \'{"apiVersion": "v0", "status": {"token": "a"}}\'', f"speaks v0, not {_V1}"),
        (f'echo \'{{"apiVersion": "{_V1}", "status": {{}}}}\'', "gave neither a token nor a"),
    ],
)
def test_a_plugin_that_gives_nothing(
    program: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = {"command": "sh", "args": ["-c", program], "apiVersion": _V1}
    document = {
        "contexts": [{"name": "it", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "a", "user": {"exec": run}}],
    }

    error = ask(tmp_path, monkeypatch, json.dumps(document))

    assert str(error).startswith("the credential plugin sh ")
    assert told in str(error)


@pytest.mark.parametrize(
    ("url", "exempt", "is_asked"),
    [
        ("https://api.example.com", "", True),
        ("https://api.example.com", "example.com", False),
        ("https://api.example.com", ".example.com", False),
        ("https://api.example.com", "other.com, api.example.com:443", True),
        ("https://api.example.com:443", "other.com, api.example.com:443", False),
        ("https://notexample.com", "example.com", True),
        ("https://api.example.com", "*", False),
        ("https://10.1.2.3", "10.0.0.0/8", False),
        ("https://11.1.2.3", "10.0.0.0/8", True),
        ("https://127.0.0.1:9", "", False),
        ("https://localhost:9", "", False),
    ],
)
def test_a_proxy_of_the_environment_is_asked_for_what_is_not_exempt(
    url: str, exempt: str, is_asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://a")
    monkeypatch.setenv("NO_PROXY", exempt)
    monkeypatch.setattr("socket.getaddrinfo", _unknown)
    document = {
        "contexts": [{"name": "it", "context": {"cluster": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": url}}],
    }

    error = ask(tmp_path, monkeypatch, json.dumps(document))

    assert ("the proxy 'ftp://a'" in str(error)) == is_asked


def _unknown(*_: object, **__: object) -> None:
    """No test leaves this machine."""
    raise OSError("no network")
