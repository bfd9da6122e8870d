"""Where an environment's pointers are kept: what the registry and a cluster have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol, Self

from tetrad.evidence import Refused
from tetrad.pointer.deployers import Deployers
from tetrad.pointer.gateways import GatewayState
from tetrad.pointer.pointers import Pointer

# A gateway that was not heard of for so long is not waited for. One that lost what it follows turns
# unready after 10 s, so by then whatever balances the load sends it nothing.
THERE = timedelta(seconds=30)
FORGOTTEN = timedelta(days=1)


def is_running(seen: datetime, now: datetime) -> bool:
    """Whether a gateway counts, by when it was last heard of. A moment to come was before the clock went
    back: whoever is there says so again within a second.
    """
    return abs(now - seen) <= THERE


class KeptPointers(Protocol):
    """The versions of an environment's pointer, and the gateways that follow it.

    An envelope that no deployer signed does not count, wherever it comes from: it is passed over.
    Every call may block for seconds; DatabaseError and ClusterError are outages.
    """

    pace_s: float  # between two looks, for whoever looks again and again

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None: ...

    @property
    def environment(self) -> str: ...

    def now(self) -> datetime:
        """The time by the clock that all who use it share."""

    def current(self) -> Pointer | None:
        """The pointer that counts; None where nothing was deployed yet."""

    def ignores_last(self) -> bool:
        """Whether there are versions, and the last one does not count: no deployer signed it."""

    def history(self) -> Iterator[Pointer]:
        """Every version that counts, the newest first."""

    def append(self, envelope: bytes) -> Pointer:
        """Make a pointer the current one, if it follows it; PointerMoved where another came first.

        Raises Refused where the envelope does not count.
        """

    def watch(self, after: int = 0) -> Iterator[Pointer]:
        """The current pointer whenever it has a number above `after`, as soon as it changes.

        Blocks meanwhile, and ends when this is closed; an outage ends it, too.
        """

    def report(self, state: GatewayState) -> None:
        """Note what a gateway says of itself, as seen now by the shared clock."""

    def leave(self, gateway: str) -> None:
        """Note that a gateway ends in order: nobody waits for it."""

    def gateways(self) -> tuple[GatewayState, ...]:
        """The gateways that are there: those heard of within `THERE`."""

    def lost_gateways(self) -> tuple[GatewayState, ...]:
        """Those that ended without a word, or cannot be heard, within a day."""


def read_counting(deployers: Deployers, envelope: bytes) -> Pointer | None:
    """The pointer of an envelope; None where it does not count."""
    try:
        return deployers.read(envelope)
    except Refused:
        return None


def newest(pointers: Iterable[Pointer | None]) -> Pointer | None:
    """The one with the highest number, the first of several: whoever brings an old one back, with its
    good signature, cannot bring back what it says.
    """
    best: Pointer | None = None
    for pointer in pointers:
        if pointer is not None and (best is None or pointer.number > best.number):
            best = pointer
    return best


def what_came_first(pointer: Pointer | None) -> str:
    """Why a pointer cannot be appended, for people."""
    if pointer is None:
        return "nothing is deployed yet"
    by = f" by {pointer.change.by}" if pointer.change.by else ""
    return f"change {pointer.number} ({pointer.change.kind}{by}) came first"
