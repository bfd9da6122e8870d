"""What every test stands under: no network, and no settings or certificates of this machine."""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes, and how many are made in a while, a busy machine decides.
settings.register_profile(
    "any load", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any load")

# A shell that starts something in the background has it ignore Ctrl-C, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _stays_here(family: int, address: Any) -> bool:
    if family == socket.AF_UNIX:
        return True
    host = address[0]
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if not _stays_here(self.family, address):
            raise AssertionError(f"a test tried to reach {address}; use a server on this machine")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session", autouse=True)
def no_certificates_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No server of a test shows any, and to read them takes each client longer than to ask."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("certificates")))
        yield


@pytest.fixture(autouse=True)
def no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The registry and Git's identity are the test's own; models are still found in the cache.

    So is the width that processes of a test believe their terminal to have: what is cut, and what
    pytest's summary repeats, depends on it.
    """
    monkeypatch.delenv("TETRAD_REGISTRY", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "test@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "no-gitconfig"))
