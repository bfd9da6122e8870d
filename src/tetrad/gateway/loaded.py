"""An identity that answers here: its stack, its runtime, and who is being answered by it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from tetrad.gateway.counted import Counted
from tetrad.identity import written_identity
from tetrad.model import Stack
from tetrad.model.serving import Queue
from tetrad.pointer import ServedIdentity
from tetrad.runtime.answering import Runtime, Toolbox
from tetrad.runtime.longest_answer import longest_answer_s
from tetrad.telemetry import Served

LEAST_S = 30.0  # for every answer under way, however long it has been


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
    _ends_by: dict[asyncio.Task[Any], float] = field(default_factory=dict)  # of those that chose it
    is_closed: bool = False  # what was still in flight is ended
    lease: Leased

    @property
    def name(self) -> str:
        return written_identity(self.served.identity)

    def choose(self, queue: Queue) -> None:
        """The request of the current task is answered by this identity, once it has a place."""
        request = asyncio.current_task()
        assert request is not None  # noqa: S101 - coroutines alone answer
        self._ends_by[request] = time.monotonic() + longest_answer_s(self.stack, queue)
        request.add_done_callback(lambda done: self._ends_by.pop(done, None))

    @property
    def ends_by(self) -> float:
        """When the requests that have this identity have ended by themselves, by `time.monotonic`."""
        return max(self._ends_by.values(), default=0.0)

    async def close(self, grace_s: float | None) -> None:
        """Let go of the models, once the requests that have this identity have ended: by themselves,
        or after `grace_s`.
        """
        if self._ends_by:
            left_s = max(LEAST_S, self.ends_by - time.monotonic()) if grace_s is None else grace_s
            await asyncio.wait([*self._ends_by], timeout=left_s)
        self.cut()
        await self.lease.aclose()

    def cut(self) -> None:
        """End what is under way."""
        if not self.is_closed:
            self.is_closed = True
            for task in self.in_flight:
                task.cancel()
