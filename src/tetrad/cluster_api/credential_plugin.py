"""A program that gives credentials: the `exec` of a kubeconfig, by which clouds sign in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tetrad.cluster_api.accounts import ClusterCredential
from tetrad.errors import ClusterError, KubeconfigUnusable

_INFO = "KUBERNETES_EXEC_INFO"


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialPlugin:
    """How it is run. `interactive` is Never, IfAvailable or Always."""

    command: tuple[str, ...]
    api_version: str
    variables: Mapping[str, str]
    cluster: Mapping[str, Any] | None  # what it is told of the cluster, if it is to know
    interactive: str
    hint: str

    @property
    def _name(self) -> str:
        return f"the credential plugin {self.command[0]}"

    def run(self) -> ClusterCredential:
        """Its answer. KubeconfigUnusable where it cannot run, ClusterError where it fails."""
        if shutil.which(self.command[0]) is None:
            hint = f"\n  help: {' '.join(self.hint.split())}" if self.hint else ""
            raise KubeconfigUnusable(f"{self._name} is not there{hint}")
        is_interactive = self.interactive != "Never" and sys.stdin.isatty()
        if self.interactive == "Always" and not is_interactive:
            raise KubeconfigUnusable(f"{self._name} asks somebody at a terminal, and there is none")
        try:
            done = subprocess.run(
                self.command,
                env={**os.environ, **self.variables, _INFO: self._info(is_interactive)},
                stdin=None if is_interactive else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if is_interactive else subprocess.PIPE,
                check=False,
            )
        except OSError as error:
            raise KubeconfigUnusable(f"{self._name} cannot be run: {error}") from error
        if done.returncode != 0:
            told = (done.stderr or b"").decode(errors="replace").strip()
            why = f": {told}" if told else ""
            raise ClusterError(f"{self._name} ended with {done.returncode}{why}")
        return self._credential(done.stdout)

    def _info(self, is_interactive: bool) -> str:
        spec: dict[str, Any] = {"interactive": is_interactive}
        if self.cluster is not None:
            spec["cluster"] = self.cluster
        return json.dumps({"kind": "ExecCredential", "apiVersion": self.api_version, "spec": spec})

    def _credential(self, answer: bytes) -> ClusterCredential:
        try:
            told = json.loads(answer)
            version, status = told["apiVersion"], told["status"]
            token, expires = status.get("token"), status.get("expirationTimestamp")
            certificate, key = (status.get(f"client{it}Data") for it in ("Certificate", "Key"))
            until = None if expires is None else datetime.fromisoformat(expires).astimezone(UTC)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ClusterError(f"{self._name} gave no ExecCredential: {error}") from error
        if version != self.api_version:
            raise KubeconfigUnusable(f"{self._name} speaks {version}, not {self.api_version}")
        if not token and not (certificate and key):
            raise ClusterError(f"{self._name} gave neither a token nor a certificate with its key")
        return ClusterCredential(
            authorization=f"Bearer {token}" if token else None,
            certificate=(certificate, key) if certificate and key else None,
            expires=until,
        )
