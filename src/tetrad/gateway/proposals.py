"""Calls that wait for a confirmation in a chat, under ids that nobody else can write.

A client sends the whole conversation each time, and may have it from somebody else: that a call
stands in it says nothing. So the id of a proposed call is a signature over it, by the client's own
API key, which every gateway sees with the request and whoever only writes the conversation does not.
Gateways that share a registry remember there what was confirmed; one that shares none takes only the
confirmations of what it proposed itself.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from tetrad.canonical import Json, canonical_json
from tetrad.errors import TetradError
from tetrad.gateway.daemon_threads import in_daemon_thread
from tetrad.gateway.refusing import RequestRefused
from tetrad.results.exchange import Request, ToolCall
from tetrad.runtime.confirming import NO_CALL, Confirmations

VALID_S = 600.0
clock = time.time  # gateways have no other in common

_ASK_S = 5.0  # for the registry to answer
_PREFIX = "call_"
_TIME, _NONCE, _MAC = 4, 6, 16  # bytes; with the prefix 40 letters, as many as OpenAI takes


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Whose a proposal is; only the same one confirms it."""

    key: bytes  # that signs
    stack: str
    user: str

    def signed(self, call: ToolCall, head: bytes) -> bytes:
        said: Json = [self.stack, self.user, call.name, call.arguments, head.hex()]
        return hmac.digest(self.key, canonical_json(said), "sha256")[:_MAC]


class Taken(Protocol):
    """What gateways share of the calls that were confirmed and made."""

    def take(self, call: str) -> bool:
        """Whether nobody took this id before; it may block, and a TetradError is an outage."""


@dataclass(slots=True)
class Proposals:
    """Those of one gateway. What was confirmed once is remembered for as long as it could be again."""

    shared: Taken | None = None  # without it, other gateways take nothing of what is proposed here
    _own_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _taken: dict[str, float] = field(default_factory=dict)

    def asker(self, api_key: str, stack: str, user: str) -> Asker:
        """By the client's key; by this gateway's, too, where no other may take what it proposes: it
        shares nothing with others, or the environment names no clients.
        """
        if self.shared is not None and api_key:
            return Asker(key=api_key.encode(), stack=stack, user=user)
        key = hmac.digest(self._own_key, api_key.encode(), "sha256")
        return Asker(key=key, stack=stack, user=user)

    def proposed(self, calls: Iterable[ToolCall], asker: Asker) -> Iterator[ToolCall]:
        """The calls, each once, under the ids by which they are confirmed."""
        seen = set()
        for call in calls:
            said = canonical_json([call.name, call.arguments])
            if said not in seen:
                seen.add(said)
                head = int(clock() + VALID_S).to_bytes(_TIME) + secrets.token_bytes(_NONCE)
                written = base64.urlsafe_b64encode(head + asker.signed(call, head)).decode()
                yield replace(call, id=_PREFIX + written.rstrip("="), attached=None)

    def confirmed(self, calls: Iterable[ToolCall], asker: Asker) -> Confirmations:
        """Of the calls that a conversation confirms, those that wait."""
        first = tuple(call for call in calls if self.waits(call, asker))
        if not first:
            return NO_CALL
        return _ChatConfirmations(proposals=self, asker=asker, first=first)

    def waits(self, call: ToolCall, asker: Asker) -> bool:
        """Whether this very call was proposed to the asker, lately, and was not confirmed before."""
        try:
            written = base64.b64decode(call.id.removeprefix(_PREFIX) + "=", b"-_", validate=True)
            head, mac = written[: _TIME + _NONCE], written[_TIME + _NONCE :]
            is_signed = hmac.compare_digest(mac, asker.signed(call, head))
        except (binascii.Error, ValueError, RecursionError):
            return False
        left = int.from_bytes(head[:_TIME]) - clock()
        return is_signed and 0 < left <= VALID_S and call.id not in self._taken

    async def take(self, call: ToolCall, asker: Asker) -> bool:
        """The same, and from now on it is confirmed; RequestRefused where nobody knows."""
        if not self.waits(call, asker):
            return False
        now = time.monotonic()
        for old in [one for one, until in self._taken.items() if until < now]:
            del self._taken[old]
        self._taken[call.id] = now + VALID_S  # at once: another request may come meanwhile
        if self.shared is None:
            return True
        try:
            async with asyncio.timeout(_ASK_S):
                return await in_daemon_thread(partial(self.shared.take, call.id))
        except (TetradError, TimeoutError) as error:
            del self._taken[call.id]
            raise RequestRefused(
                503,
                "the registry does not answer, so nobody knows whether the call was made before",
                code="confirmation_unknown",
                headers={"Retry-After": "5"},
            ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class _ChatConfirmations:
    """The proposed calls that a request confirms; they are made before the model is asked."""

    proposals: Proposals
    asker: Asker
    first: tuple[ToolCall, ...]

    async def begin(self, request: Request) -> None:
        """There is nothing to do."""

    async def take(self, call: ToolCall) -> bool:
        for one in self.first:
            if _is_same(call, one) and await self.proposals.take(one, self.asker):
                return True
        return False


def _is_same(call: ToolCall, other: ToolCall) -> bool:
    return call.name == other.name and _equal(call.arguments, other.arguments)


def _equal(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    try:
        return canonical_json(one) == canonical_json(other)
    except (ValueError, RecursionError):
        return False
