"""Pointers of an environment `production`, as deployers change them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from signing import key, signer

from tetrad.canonical import Digest, digest_bytes
from tetrad.ed25519 import PrivateKey
from tetrad.model.serving import Serving
from tetrad.pointer import (
    Deployers,
    GatewayState,
    Pointer,
    PointerChange,
    ServedIdentity,
    StackPointer,
    seal_pointer,
)

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
STACK = "stacks/triage"
DEPLOYERS = Deployers(environment="production", signers=(signer("deploy", "deployer"),))


def identity(name: str) -> Digest:
    return digest_bytes(name.encode())


def served(name: str, **changes: Any) -> ServedIdentity:
    said = {
        "identity": identity(name),
        "snapshot": digest_bytes(f"snapshot of {name}".encode()),
        "commit": name[0] * 40,
        "since": NOW,
    }
    return ServedIdentity(**{**said, **changes})


def pointer(number: int = 1, live: str = "a", **changes: Any) -> Pointer:
    said = {
        "environment": "production",
        "number": number,
        "at": NOW + timedelta(seconds=number),
        "commit": "c" * 40,
        "change": PointerChange(kind="deploy", stacks=(STACK,), by="deploy"),
        "stacks": {STACK: StackPointer(stack=STACK, live=served(live), serving=Serving())},
    }
    return Pointer(**{**said, **changes})


def sealed(made: Pointer, *names: str) -> bytes:
    """The envelope, signed by the keys of the names."""
    keys: list[PrivateKey] = [key(name) for name in names or ("deploy",)]
    return seal_pointer(made, keys)


def gateway(name: str = "g1", number: int = 1, **changes: Any) -> GatewayState:
    said = {
        "gateway": name,
        "environment": "production",
        "address": "http://127.0.0.1:8000",
        "release": "0.1.0",
        "started": NOW,
        "seen": NOW,
        "number": number,
        "ready": True,
    }
    return GatewayState(**{**said, **changes})
