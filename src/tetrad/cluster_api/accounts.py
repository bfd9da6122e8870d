"""An API server, and the account that asks it: what a request proves it with, as long as that holds."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from tetrad.errors import ClusterError

# Where a pod has what its service account is.
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_HOST, _PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiServer:
    """Where an API server is, and how it proves to be the one that is meant."""

    url: str
    authority: str | None = None  # PEM; None: those that the system trusts
    is_verified: bool = True
    certified_name: str | None = None  # None: its host's
    proxy: str | None = None  # None: as the environment's variables say


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterCredential:
    """What a request proves an account with."""

    authorization: str | None = None
    certificate: tuple[str, str] | None = None  # with its key, both PEM
    expires: datetime | None = None

    @property
    def is_expired(self) -> bool:
        return self.expires is not None and self.expires <= datetime.now(UTC)


class _Plugin(Protocol):
    def run(self) -> ClusterCredential: ...


@dataclass(kw_only=True, slots=True)
class ClusterAccount:
    """Who asks. A token in a file is read for each request, a plugin is asked when its answer expires."""

    fixed: ClusterCredential = field(default_factory=ClusterCredential)
    token_file: Path | None = None
    plugin: _Plugin | None = None
    impersonation: tuple[tuple[str, str], ...] = ()
    _told: ClusterCredential | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def credential(self, *, refused: ClusterCredential | None = None) -> ClusterCredential:
        """The one that holds now, and not the one that the server refused if there is another."""
        if self.token_file is not None:
            return replace(self.fixed, authorization=f"Bearer {_token(self.token_file)}")
        # As kubectl does: a token or a password that is given goes before a plugin.
        if self.plugin is None or self.fixed.authorization is not None:
            return self.fixed
        with self._lock:
            told = self._told
            if told is None or told.is_expired or (refused and _is_from(told, refused)):
                self._told = told = self.plugin.run()
        return replace(told, certificate=told.certificate or self.fixed.certificate)


def _is_from(told: ClusterCredential, used: ClusterCredential) -> bool:
    """Whether a plugin told what was used, which no other thread has had renewed since."""
    return told.authorization == used.authorization


def _token(file: Path) -> str:
    try:
        return file.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise ClusterError(f"the token in {file} cannot be read: {error}") from error


def is_in_pod() -> bool:
    return _HOST in os.environ and (SERVICE_ACCOUNT / "token").is_file()


def service_account() -> tuple[ApiServer, ClusterAccount]:
    """The cluster of the pod that this runs in, and the pod's own account."""
    host, port = os.environ[_HOST], os.environ.get(_PORT, "443")
    authority = SERVICE_ACCOUNT / "ca.crt"
    try:
        trusted = authority.read_text("ascii")
    except (OSError, ValueError) as error:
        raise ClusterError(f"the pod's service account: {authority}: {error}") from error
    named = f"[{host}]" if ":" in host else host
    server = ApiServer(url=f"https://{named}:{port}", authority=trusted)
    return server, ClusterAccount(token_file=SERVICE_ACCOUNT / "token")
