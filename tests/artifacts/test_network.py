from __future__ import annotations

from pathlib import Path

import pytest

from tetrad.artifacts.network import check_network
from tetrad.errors import UsageError

HTTPS = "https://example.org/v1"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"SSL_CERT_FILE": "/no/such/bundle.pem"},
            "SSL_CERT_FILE=/no/such/bundle.pem: no such file",
        ),
        ({"SSL_CERT_DIR": "/no/such/certs"}, "SSL_CERT_DIR=/no/such/certs: no such folder"),
        (
            {"ALL_PROXY": "socks://127.0.0.1:9"},
            "ALL_PROXY names a proxy of the unknown scheme 'socks'",
        ),
        (
            {"https_proxy": "ftp://127.0.0.1"},
            "https_proxy names a proxy of the unknown scheme 'ftp'",
        ),
    ],
)
def test_what_cannot_be_used_is_named_with_its_variable(
    environment: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        check_network(HTTPS, environment)

    assert str(caught.value).startswith(said)


def test_a_bundle_that_holds_no_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "bundle.pem").write_text("nothing")

    with pytest.raises(UsageError, match=r"bundle\.pem: no certificates"):
        check_network(HTTPS, {"SSL_CERT_FILE": str(tmp_path / "bundle.pem")})


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SSL_CERT_FILE": ""},
        {"ALL_PROXY": "socks5h://127.0.0.1:9", "http_proxy": "127.0.0.1:9"},
        {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "[::1],10.0.0.0/8,*"},
    ],
)
def test_what_can_be_used_is_no_problem(environment: dict[str, str]) -> None:
    check_network(HTTPS, environment)


def test_certificates_are_of_no_concern_to_an_address_without_them() -> None:
    check_network("http://127.0.0.1/v1", {"SSL_CERT_FILE": "/no/such/bundle.pem"})
