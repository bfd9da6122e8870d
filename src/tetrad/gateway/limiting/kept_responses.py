"""Answers that are given again to the same request of the same tenant, for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from tetrad.canonical import Digest, Json, digest_of
from tetrad.model import Turn
from tetrad.results.trace import Trace

_LARGEST = 64_000_000  # characters, of all that is kept


class ResponseKey(NamedTuple):
    """Whose request to which identity; another identity never answers with this one's words."""

    tenant: str
    stack: str
    identity: Digest
    request: Digest


class KeptResponse(NamedTuple):
    trace: Trace
    at: float
    until: float
    size: int


def request_key(
    tenant: str,
    stack: str,
    identity: Digest,
    variables: Mapping[str, Json],
    history: tuple[Turn, ...],
) -> ResponseKey:
    turns: list[Json] = [{"role": turn.role, "content": turn.content} for turn in history]
    digest = digest_of({"variables": variables, "history": turns})
    return ResponseKey(tenant, stack, identity, digest)


class KeptResponses:
    """The responses of one gateway, those that were not asked for longest forgotten first.

    Times are seconds of a clock that never goes back.
    """

    def __init__(self, largest: int = _LARGEST) -> None:
        self._largest = largest
        self._size = 0
        self._kept: OrderedDict[ResponseKey, KeptResponse] = OrderedDict()

    def find(self, key: ResponseKey, now: float) -> KeptResponse | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if now >= kept.until:
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return kept

    def keep(self, key: ResponseKey, trace: Trace, ttl_s: float, now: float) -> None:
        if key in self._kept:
            self._forget(key)
        size = _size(trace)
        if size > self._largest:
            return
        self._kept[key] = KeptResponse(trace, now, now + ttl_s, size)
        self._size += size
        while self._size > self._largest:
            self._forget(next(iter(self._kept)))

    def __len__(self) -> int:
        return len(self._kept)

    def _forget(self, key: ResponseKey) -> None:
        self._size -= self._kept.pop(key).size


def _size(trace: Trace) -> int:
    """Roughly, in characters: what is asked and answered, and what was retrieved."""
    messages = sum(len(m.content) for step in trace.generated for m in step.request.messages)
    passages = sum(len(passage.text) for passage in trace.passages)
    return 1_000 + len(trace.output) + messages + passages
