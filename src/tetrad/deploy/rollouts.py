"""Driving rollouts: step by step, each judged by what the gateways measured.

All that is true of a rollout stands in the pointer, so that whoever drives it may be killed: another
takes over, and begins the step that it finds again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from tetrad.canonical import Digest
from tetrad.deploy.acknowledging import LOADS_S, PrintStatus, not_followed, why_not_loaded
from tetrad.deploy.deployer import Deployer
from tetrad.deploy.measuring import Measure, breaches
from tetrad.errors import (
    ClusterError,
    DatabaseError,
    ExitCode,
    NotAcknowledged,
    PointerMoved,
    TetradError,
)
from tetrad.identity import short
from tetrad.pointer import Figures, GatewayState, Pointer, Rollout
from tetrad.pointer.kept_pointers import KeptPointers
from tetrad.pointer.transitions import aborted, advanced
from tetrad.text import pluralize

_NOTE_S = 30.0
_OUTAGE_S = 300.0  # of the pointer's keeper, that a rollout waits for the end of


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A rollout that is over, by whoever ended it."""

    stack: str
    identity: Digest
    how: Literal["finished", "aborted", "replaced"]
    why: str = ""


def drive(
    store: KeptPointers,
    deployer: Deployer,
    rollouts: Mapping[str, Digest],
    print_status: PrintStatus,
) -> tuple[Ended, ...]:
    """Drive the rollouts of identities, by their stacks, until each is over; NotAcknowledged where a
    gateway stays behind. An outage of minutes is waited for: nobody else would abort what fails.
    """
    watched = {ref: _Watched(ref=ref, identity=identity) for ref, identity in rollouts.items()}
    over: dict[str, Ended] = {}
    away = _Away(print_status)
    while True:
        try:
            has_moved = _round(store, deployer, watched, over, print_status)
            away.ends()
        except (ClusterError, DatabaseError) as error:
            has_moved = False
            away.goes_on(error)
        if over.keys() == watched.keys():
            return tuple(over.values())
        if not has_moved:  # else the others look at the pointer that follows
            time.sleep(store.pace_s)


def _round(
    store: KeptPointers,
    deployer: Deployer,
    watched: Mapping[str, _Watched],
    over: dict[str, Ended],
    print_status: PrintStatus,
) -> bool:
    """Look at every rollout once, and note which are over; whether one moved the pointer."""
    pointer, gateways = store.current(), store.gateways()
    for ref, one in watched.items():
        ended = over.get(ref) or one.ended(pointer)
        if ended is not None:
            over[ref] = ended
        elif pointer is not None and _move(store, deployer, one, pointer, gateways, print_status):
            return True
    return False


class _Away:
    """How long what keeps the pointer has not answered."""

    def __init__(self, print_status: PrintStatus) -> None:
        self._print_status = print_status
        self._since: float | None = None

    def goes_on(self, error: TetradError) -> None:
        """Say so once; raises what is not waited for any longer."""
        now = time.monotonic()
        if error.exit_code is not ExitCode.INCONCLUSIVE:  # it stays so until somebody acts
            raise error
        if self._since is None:
            self._since = now
            said = str(error).partition("\n")[0]
            self._print_status(f"{said}; trying again for {_OUTAGE_S:g} s")
        elif now - self._since > _OUTAGE_S:
            raise error

    def ends(self) -> None:
        self._since = None


def _move(
    store: KeptPointers,
    deployer: Deployer,
    watched: _Watched,
    pointer: Pointer,
    gateways: tuple[GatewayState, ...],
    print_status: PrintStatus,
) -> bool:
    """Take a rollout on where its step is over; whether the pointer is another one now."""
    verdict = watched.look(pointer, gateways, print_status)
    if verdict is None:
        return False
    act = deployer.act(store.now(), verdict.why)
    change = aborted if verdict.aborts else advanced
    with suppress(PointerMoved):  # what others made of it is looked at next
        store.append(deployer.seal(change(pointer, watched.ref, act)))
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class _Verdict:
    """That a step is over."""

    aborts: bool
    why: str = ""


@dataclass(kw_only=True)
class _Watched:
    """A rollout, and its step as far as it was followed."""

    ref: str
    identity: Digest
    _step: tuple[int, object] | None = None  # which one, of which plan
    _number: int = 0  # of the pointer at which it was first seen
    _seen: float = 0.0
    _began: float | None = None  # since when every gateway follows it
    _noted: float = 0.0
    _measure: Measure = field(init=False)

    def __post_init__(self) -> None:
        self._measure = Measure(identity=self.identity)

    def ended(self, pointer: Pointer | None) -> Ended | None:
        """How the rollout is over; None while it goes on."""
        stack = pointer.stacks.get(self.ref) if pointer else None
        if stack is not None and stack.rollout and stack.rollout.to.identity == self.identity:
            return None
        if stack is not None and stack.live.identity == self.identity:
            return Ended(stack=self.ref, identity=self.identity, how="finished")
        withdrawal = stack.withdrawal_of(self.identity) if stack else None
        if withdrawal is not None:
            return Ended(stack=self.ref, identity=self.identity, how="aborted", why=withdrawal.why)
        return Ended(
            stack=self.ref,
            identity=self.identity,
            how="replaced",
            why="replaced by another deployment",
        )

    def look(
        self, pointer: Pointer, gateways: tuple[GatewayState, ...], print_status: PrintStatus
    ) -> _Verdict | None:
        """Whether the step is over, by what the gateways say now."""
        rollout = pointer.stacks[self.ref].rollout
        assert rollout is not None  # noqa: S101 - else it has ended
        now = time.monotonic()
        step = (rollout.step, rollout.serving.rollout)
        if step != self._step:
            self._step, self._number, self._seen = step, pointer.number, now
            self._began, self._noted = None, now
            print_status(f"{self._name(rollout)}")
        if self._began is None:
            is_late = now - self._seen > LOADS_S
            why = why_not_loaded(self.identity, self._number, gateways, is_late=is_late)
            if why:
                return _Verdict(aborts=True, why=why)
            if not self._follow(rollout, gateways, now, print_status):
                return None
        return self._judge(rollout, gateways, now, print_status)

    def _follow(
        self,
        rollout: Rollout,
        gateways: tuple[GatewayState, ...],
        now: float,
        print_status: PrintStatus,
    ) -> bool:
        """Whether every gateway follows the step, which begins then."""
        behind = [gateway for gateway in gateways if gateway.number < self._number]
        if behind and now - self._seen > LOADS_S:
            raise NotAcknowledged(not_followed(self._number, behind))
        if behind:
            count = pluralize(len(behind), "gateway")
            why = next((f": {gateway.problem}" for gateway in behind if gateway.problem), "")
            self._note(
                f"{self._name(rollout)}: waiting for {count} to load it{why}", now, print_status
            )
            return False
        self._began = now
        self._measure.begin(gateways)
        return True

    def _judge(
        self,
        rollout: Rollout,
        gateways: tuple[GatewayState, ...],
        now: float,
        print_status: PrintStatus,
    ) -> _Verdict | None:
        plan = rollout.serving.rollout
        figures = self._measure.look(gateways)
        began = now if self._began is None else self._began
        has_sample = figures.requests >= plan.min_requests
        is_over = has_sample and now - began >= plan.pause_s
        # a limit that was exceeded on enough requests ends the rollout before its pause does
        if is_over or (has_sample and plan.min_requests):
            breach = next(breaches(figures, plan.abort_if), None)
            if breach is not None:
                return _Verdict(aborts=True, why=str(breach))
        if is_over:
            print_status(f"{self._name(rollout)}: {_told(figures)}")
            return _Verdict(aborts=False)
        self._note(
            f"{self._name(rollout)}: {self._waits(rollout, figures, gateways)}", now, print_status
        )
        return None

    def _waits(self, rollout: Rollout, figures: Figures, gateways: tuple[GatewayState, ...]) -> str:
        wanted = rollout.serving.rollout.min_requests
        if not gateways:
            return "no gateway is running"
        if figures.requests < wanted:
            return f"{figures.requests} of {wanted} requests"
        return _told(figures)

    def _note(self, text: str, now: float, print_status: PrintStatus) -> None:
        if now - self._noted >= _NOTE_S:
            self._noted = now
            print_status(text)

    def _name(self, rollout: Rollout) -> str:
        return f"{self.ref} ({short(self.identity)}) at {rollout.percent:g} %"


def _told(figures: Figures) -> str:
    if not figures.requests:
        return "no requests"
    said = f"{figures.requests} requests, {figures.errors} errors"
    return f"{said}, p95 {figures.quantile_ms(0.95):.0f} ms"
