"""An identity that answers here: its stack, its runtime, and who is being answered by it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol

from tetrad.gateway.counted import Counted
from tetrad.identity import written_identity
from tetrad.model import Stack
from tetrad.pointer import ServedIdentity
from tetrad.runtime.answering import Runtime, Toolbox
from tetrad.telemetry import Served


class Leased(Protocol):
    """The models that an identity holds, and shares with others."""

    async def aclose(self) -> None: ...


@dataclass(kw_only=True, eq=False, slots=True)
class LoadedIdentity:
    """Loaded from its snapshot, indexed, and found to answer."""

    served: ServedIdentity
    stack: Stack
    runtime: Runtime
    toolbox: Toolbox
    counted: Counted
    names: Served  # as metrics and spans call it
    in_flight: set[asyncio.Task[Any]] = field(default_factory=set)
    _chosen_by: set[asyncio.Task[Any]] = field(default_factory=set)
    is_closed: bool = False  # what was still in flight is ended
    lease: Leased

    @property
    def name(self) -> str:
        return written_identity(self.served.identity)

    def choose(self) -> None:
        """The request of the current task is answered by this identity, once it has a place."""
        request = asyncio.current_task()
        assert request is not None  # noqa: S101 - coroutines alone answer
        self._chosen_by.add(request)
        request.add_done_callback(self._chosen_by.discard)

    async def close(self, grace_s: float) -> None:
        """Let the requests that have this identity end by themselves, for a while, and let go of
        the models.
        """
        if requests := self._chosen_by | self.in_flight:
            await asyncio.wait(requests, timeout=grace_s)
        self.is_closed = True
        for task in self.in_flight:
            task.cancel()
        await self.lease.aclose()
