"""Who asks: the client whose key a request carries."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from tetrad.canonical import Digest, digest_bytes
from tetrad.gateway.refusing import RequestRefused
from tetrad.model.serving import Access, Client

ANYBODY = Client(tenant="", keys=())  # where an environment names no clients
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Callers:
    """The clients of the access that a pointer carries; the next pointer brings new keys."""

    def __init__(self) -> None:
        self._access: Access | None = None
        self._keys: tuple[tuple[Digest, Client], ...] = ()

    def who(self, access: Access, authorization: str | None) -> Client:
        """The client of an `Authorization` header; RequestRefused (401) where it is nobody's."""
        if not access.clients:
            return ANYBODY
        if access is not self._access:
            self._access, self._keys = access, tuple(_keys(access))
        scheme, _, key = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise RequestRefused(
                401,
                "no API key: send it as Authorization: Bearer KEY",
                code="missing_api_key",
                headers=_CHALLENGE,
            )
        # As the bytes that were sent, which HTTP libraries read as Latin-1.
        given = digest_bytes(key.strip().encode("latin-1", "replace"))
        found = None
        for digest, client in self._keys:  # all of them, so that the time tells nothing
            if secrets.compare_digest(digest.value, given.value):
                found = client
        if found is None:
            raise RequestRefused(401, "unknown API key", code="invalid_api_key", headers=_CHALLENGE)
        return found


def may_ask(client: Client, stack: str) -> bool:
    return not client.stacks or stack in client.stacks


def refuse_other_stacks(client: Client, stack: str) -> None:
    """RequestRefused (403) where a client may not ask a stack."""
    if not may_ask(client, stack):
        raise RequestRefused(
            403, f"{client.tenant} may not ask {stack}", param="model", code="stack_not_allowed"
        )


def _keys(access: Access) -> Iterator[tuple[Digest, Client]]:
    for client in access.clients.values():
        for key in client.keys:
            yield key, client
