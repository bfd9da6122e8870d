"""Waiting until every gateway follows a pointer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from tetrad.canonical import Digest
from tetrad.errors import NotAcknowledged, NotLoaded
from tetrad.identity import written_identity
from tetrad.pointer import GatewayState
from tetrad.pointer.kept_pointers import KeptPointers

LOADS_S = 600.0  # what gateways have to load an identity
WARM_S = 10.0  # what they have for one that is loaded
_POLL_S = 0.02
_PATIENCE_S = 2.0  # of people, before they are told what is waited for
_NOTE_S = 30.0  # between two times that they are told

PrintStatus: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledged:
    """The gateways that follow a pointer, and how long that took."""

    gateways: tuple[GatewayState, ...]
    seconds: float


def acknowledged(
    store: KeptPointers,
    number: int,
    *,
    within_s: float,
    print_status: PrintStatus = lambda _: None,
    brought: Mapping[str, Digest] = MappingProxyType({}),
) -> Acknowledged:
    """Wait for the gateways that are there; NotAcknowledged names those that do not follow in time, and
    NotLoaded those of the identities, by their stacks, that none loads.
    """
    began, said = time.monotonic(), _PATIENCE_S - _NOTE_S
    while True:
        there = store.gateways()
        behind = [gateway for gateway in there if gateway.number < number]
        seconds = time.monotonic() - began
        if not behind:
            return Acknowledged(gateways=there, seconds=seconds)
        is_late = seconds > within_s
        unloaded = {
            ref: why
            for ref, identity in brought.items()
            if (why := why_not_loaded(identity, number, there, is_late=is_late))
        }
        if unloaded:
            raise NotLoaded(not_followed(number, behind), unloaded)
        if is_late:
            raise NotAcknowledged(not_followed(number, behind))
        if seconds - said > _NOTE_S:
            said = seconds
            for gateway in behind:
                print_status(f"waiting for {called(gateway)}{_why(gateway)}")
        # At once while it may be a matter of milliseconds, and rarely where something has to load.
        time.sleep(min(store.pace_s, max(_POLL_S, seconds / 20)))


def why_not_loaded(
    identity: Digest, number: int, gateways: Sequence[GatewayState], *, is_late: bool
) -> str:
    """Why no gateway loads an identity that a pointer brought; nothing where one follows the pointer or
    may do so yet. `is_late` says that they had the time.
    """
    if not gateways or any(one.number >= number for one in gateways):
        return ""
    name = written_identity(identity)
    told = [one.unloadable.get(name, "") for one in gateways]
    if all(told):
        return f"no gateway can load it: {told[0]}"
    if is_late and all(name in one.problem for one in gateways):
        lines = (line for line in gateways[0].problem.splitlines() if name in line)
        return f"no gateway has loaded it in time: {next(lines)}"
    return ""


def not_followed(number: int, behind: list[GatewayState]) -> str:
    """Which gateways do not follow a pointer, and why by their own word."""
    lines = [f"change {number} is written, but not every gateway follows it:"]
    lines += [f"  {called(one)} follows {one.number}{_why(one)}" for one in behind]
    return "\n".join([*lines, "  help: `tetrad status` shows when they do"])


def called(gateway: GatewayState) -> str:
    """A gateway for people: its address, and enough of its name to tell two apart."""
    return f"{gateway.address or 'gateway'} ({gateway.gateway[:8]})"


def _why(gateway: GatewayState) -> str:
    return f": {gateway.problem}" if gateway.problem else ""
