"""The pointer of an environment as a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from tetrad.canonical import Digest, digest_bytes
from tetrad.model.serving import Access, Retain, Serving

ChangeKind: TypeAlias = Literal[
    "deploy", "step", "finish", "abort", "rollback", "release", "configure"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedIdentity:
    """An identity that answers here, or did and is kept warm."""

    identity: Digest
    snapshot: Digest  # whose files it is loaded from; kept in the registry
    commit: str
    since: datetime  # when it first served here


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """A new identity on its way: it answers `percent` of the traffic, and the live one the rest."""

    to: ServedIdentity
    serving: Serving  # which counts once the rollout is finished; its plan counts from the start
    step: int  # index into the plan's steps
    began: datetime
    step_began: datetime

    @property
    def percent(self) -> float:
        return self.serving.rollout.steps[self.step]


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdrawal:
    """A rollback's mark on the identity that it left."""

    identity: Digest
    at: datetime
    by: str  # the name of the deployer; empty where none is named
    reason: str
    commit: str  # that brought the identity

    @property
    def why(self) -> str:
        """For people."""
        by = f" by {self.by}" if self.by else ""
        reason = f": {self.reason}" if self.reason else ""
        return f"withdrawn on {self.at:%Y-%m-%d %H:%M} UTC{by}{reason}"


@dataclass(frozen=True, kw_only=True, slots=True)
class StackPointer:
    """Which identities of one stack answer, and which could again within a second."""

    stack: str  # reference
    live: ServedIdentity
    serving: Serving
    rollout: Rollout | None = None
    warm: tuple[ServedIdentity, ...] = ()  # the one that served last comes first
    withdrawn: tuple[Withdrawal, ...] = ()

    @property
    def answering(self) -> tuple[ServedIdentity, ...]:
        return (self.live,) if self.rollout is None else (self.live, self.rollout.to)

    @property
    def loaded(self) -> tuple[ServedIdentity, ...]:
        """All that a gateway keeps ready."""
        return (*self.answering, *self.warm)

    def withdrawal_of(self, identity: Digest) -> Withdrawal | None:
        return next((one for one in self.withdrawn if one.identity == identity), None)

    def chosen(self, key: str) -> ServedIdentity:
        """Who answers a user or a conversation: always the same, but for a share that moves on."""
        if self.rollout is None:
            return self.live
        drawn = digest_bytes(f"{self.rollout.to.identity.hex} {key}".encode()).hex
        at = int(drawn[:8], 16) / 2**32 * 100
        return self.rollout.to if at < self.rollout.percent else self.live


@dataclass(frozen=True, kw_only=True, slots=True)
class PointerChange:
    """What made a pointer of the one before."""

    kind: ChangeKind
    stacks: tuple[str, ...]  # references of those that it moved
    by: str = ""  # the deployer's name
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pointer:
    """What serves in an environment. `number` counts its versions from 1, without gaps.

    `follows` is signed, `entry` is not: whoever appends an old version again, whose signature is good,
    cannot change where it says that it belongs.
    """

    environment: str
    number: int
    at: datetime
    commit: str  # of the merged state that was deployed last
    change: PointerChange
    stacks: Mapping[str, StackPointer] = field(default_factory=dict)  # by reference
    access: Access = Access()
    retain: Retain = Retain()
    follows: int = 0  # the ledger's entry of the version before
    entry: int = field(default=0, compare=False)  # the ledger's entry of this one, once it is there

    def loaded(self) -> Iterator[tuple[StackPointer, ServedIdentity]]:
        """Every identity that a gateway keeps ready, with its stack."""
        for stack in self.stacks.values():
            for served in stack.loaded:
                yield stack, served
