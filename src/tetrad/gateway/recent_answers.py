"""What is kept of answers to learn from: a declared sample, and those that somebody spoke of.

An answer waits in memory for feedback, and is redacted only when it is written. Writing happens
apart and in batches: no answer waits for it, and where the registry is gone what cannot wait any
longer is dropped.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from tetrad.canonical import Digest
from tetrad.errors import TetradError
from tetrad.gateway.daemon_threads import in_daemon_thread
from tetrad.results.trace import Trace
from tetrad.traffic import Feedback, KeptAnswer, is_sampled, kept_answer, new_id

if TYPE_CHECKING:
    from tetrad.gateway.routing import RoutedRequest

_LOG = logging.getLogger("tetrad.gateway")
_REMEMBERED = 1_000  # answers that wait for feedback
_WAITING = 1_000  # sampled ones that wait to be written
_WRITE_S = 1.0


class KeepsTraffic(Protocol):
    """Where answers and feedback are kept; DatabaseError where they cannot be."""

    def keep(self, answers: Sequence[KeptAnswer], feedback: Sequence[Feedback] = ()) -> None: ...

    def answers(self, *, traces: Sequence[str] | None = None) -> Iterator[KeptAnswer]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """An answer as it was given, not redacted yet."""

    id: str
    trace: str
    at: datetime
    environment: str
    stack: str
    identity: Digest
    tenant: str
    answer: Trace
    sampled: bool

    def kept(self) -> KeptAnswer | None:
        return kept_answer(
            self.answer,
            id=self.id,
            trace=self.trace,
            at=self.at,
            environment=self.environment,
            stack=self.stack,
            identity=self.identity,
            tenant=self.tenant,
            sampled=self.sampled,
        )


class RecentAnswers:
    """The answers of this process that can still be spoken of, and those on their way to be kept."""

    def __init__(self, traffic: KeepsTraffic | None) -> None:
        """Without anywhere to keep it, nothing is kept."""
        self.traffic = traffic
        # By trace and tenant: of several answers of a caller's trace, the last one is spoken of.
        self._recent: OrderedDict[tuple[str, str], _Answer] = OrderedDict()
        self._sampled: list[_Answer] = []
        self._has_dropped = False

    def answered(self, asked: RoutedRequest, trace: Trace) -> None:
        """Remember an answer, and keep it where it is in the sample."""
        if self.traffic is None:
            return
        answer = _Answer(
            id=new_id(),
            trace=asked.trace,
            at=datetime.now(UTC),
            environment=asked.followed.pointer.environment,
            stack=asked.stack,
            identity=asked.loaded.served.identity,
            tenant=asked.client.tenant,
            answer=trace,
            sampled=is_sampled(asked.trace, asked.serving.sample),
        )
        self._recent[answer.trace, answer.tenant] = answer
        self._recent.move_to_end((answer.trace, answer.tenant))
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        if not answer.sampled:
            return
        if len(self._sampled) < _WAITING:
            self._sampled.append(answer)
        elif not self._has_dropped:
            self._has_dropped = True
            _LOG.warning("dropping sampled answers: they arrive faster than they can be written")

    async def spoken_of(self, trace: str, tenant: str) -> KeptAnswer | None:
        """The last answer of a tenant's trace, of this process or kept by another; None where there is
        none. Nobody speaks of another tenant's.
        """
        recent = self._recent.get((trace, tenant))
        if recent is not None:
            return recent.kept()
        traffic = self.traffic
        if traffic is None:
            return None
        kept = await in_daemon_thread(lambda: list(traffic.answers(traces=[trace])))
        return next((one for one in reversed(kept) if one.tenant == tenant), None)

    async def keep(self, answer: KeptAnswer, feedback: Feedback) -> None:
        """Keep what somebody said, with the answer; DatabaseError where it cannot be."""
        traffic = self.traffic
        assert traffic is not None  # noqa: S101 - there was an answer to speak of
        await in_daemon_thread(lambda: traffic.keep([answer], [feedback]))

    async def write_sample(self) -> None:
        """Write what was sampled, for as long as the gateway runs."""
        while True:
            await asyncio.sleep(_WRITE_S)
            await self.write()

    async def write(self) -> None:
        """Write what waits; it goes on waiting where the registry does not answer."""
        traffic, waiting = self.traffic, self._sampled
        if traffic is None or not waiting:
            return
        self._sampled = []
        try:
            await in_daemon_thread(
                lambda: traffic.keep([k for one in waiting if (k := one.kept())])
            )
        except TetradError as error:
            _LOG.warning("cannot keep sampled answers: %s", error)
            self._sampled = (waiting + self._sampled)[:_WAITING]

    async def close(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.write(), 2 * _WRITE_S)
