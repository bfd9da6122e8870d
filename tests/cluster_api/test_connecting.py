"""How an API server is believed, by what the kubeconfig says."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tetrad.cluster_api import ClusterApi, ResourceCollection
from tetrad.errors import ClusterError

pytest.importorskip("urllib3", reason="needs the extra infra")

CONFIG_MAPS = ResourceCollection(api="api/v1", resource="configmaps")


class _Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"metadata": {"name": "pointer"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing on standard error, which is looked at."""


@contextmanager
def api_server(folder: Path) -> Iterator[str]:
    """An API server whose certificate nobody vouches for; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(folder / "server.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _self_signed(file: Path) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(pem))
    return file


def asked(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **said: Any) -> object:
    """What the server answers, twice."""
    document = {
        "kind": "Config",
        "clusters": [{"name": "a", "cluster": {"server": url, **said}}],
        "users": [{"name": "a", "user": {"token": "secret"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
    }
    (folder / "config").write_text(json.dumps(document))
    monkeypatch.setenv("KUBECONFIG", str(folder / "config"))
    with ClusterApi("a", "llm") as api:
        return [api.get(CONFIG_MAPS, "pointer") for _ in range(2)]


def test_a_server_that_is_to_be_believed_is_asked_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As by kubectl: whoever wrote `insecure-skip-tls-verify` knows, and each command asks often."""
    with api_server(tmp_path) as url:
        found = asked(url, tmp_path, monkeypatch, **{"insecure-skip-tls-verify": True})

    assert found == [{"metadata": {"name": "pointer"}}] * 2
    assert capfd.readouterr().err == ""


def test_any_other_server_has_to_prove_who_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        api_server(tmp_path) as url,
        pytest.raises(ClusterError, match="certificate verify failed"),
    ):
        asked(url, tmp_path, monkeypatch)
