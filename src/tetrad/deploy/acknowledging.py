"""Waiting until every gateway follows a pointer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tetrad.errors import NotAcknowledged
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
    store: KeptPointers, number: int, *, within_s: float, print_status: PrintStatus = lambda _: None
) -> Acknowledged:
    """Wait for the gateways that are there; NotAcknowledged names those that do not follow in time."""
    began, said = time.monotonic(), _PATIENCE_S - _NOTE_S
    while True:
        there = store.gateways()
        behind = [gateway for gateway in there if gateway.number < number]
        seconds = time.monotonic() - began
        if not behind:
            return Acknowledged(gateways=there, seconds=seconds)
        if seconds > within_s:
            raise NotAcknowledged(not_followed(number, behind))
        if seconds - said > _NOTE_S:
            said = seconds
            for gateway in behind:
                print_status(f"waiting for {called(gateway)}{_why(gateway)}")
        # At once while it may be a matter of milliseconds, and rarely where something has to load.
        time.sleep(min(store.pace_s, max(_POLL_S, seconds / 20)))


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
