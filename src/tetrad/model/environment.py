"""Environments that identities serve: whose keys count there, and what an identity must bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias

from tetrad.canonical import Json
from tetrad.errors import Location
from tetrad.model.cluster import Cluster, ModelHosting
from tetrad.model.serving import Access, Retain

ENVIRONMENTS = "infra/environments"  # the folder of their files

SignerRole: TypeAlias = Literal["evaluator", "approver", "deployer"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Keyless:
    """Whom Sigstore certifies keys of minutes for, and by whose word."""

    identity: str
    issuer: str
    root: bytes | None = None  # a trusted_root.json; None: that of the public instance


TrustedKey: TypeAlias = bytes | Keyless  # a raw public key of Ed25519, or who brings new ones


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """A person's or a job's key: what it may sign, when, and for whom."""

    name: str
    key: TrustedKey
    role: SignerRole
    valid: tuple[date, date] | None = None  # first and last day, of UTC
    revoked: date | None = None  # since when nothing that it signed counts, whenever that was
    teams: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()  # e-mail addresses of its commits


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceRule:
    """Whose evidence counts, how old it may be, and which suites it covers besides the stack's own."""

    signers: tuple[str, ...]
    max_age_days: float | None = None
    suites: tuple[str, ...] = ()  # references


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalRule:
    """How many people approve, of which teams (any, if none is named)."""

    count: int
    teams: tuple[str, ...] = ()
    not_author: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """Loaded and checked."""

    ref: str
    location: Location = field(compare=False)
    target: Literal["kubernetes", "local"] = "local"
    signers: Mapping[str, Signer] = field(default_factory=dict)
    evidence: EvidenceRule | None = None
    approvals: ApprovalRule | None = None
    unpinned: frozenset[str] = frozenset()  # models whose weights need not be pinned here
    access: Access = Access()
    retain: Retain = Retain()
    models: Mapping[str, ModelHosting] = field(default_factory=dict)  # by reference
    cluster: Cluster | None = None  # where the target is kubernetes
    document: Mapping[str, Json]  # as written: evidence names its digest

    @property
    def name(self) -> str:
        """As stacks name it: its path in the folder of environments."""
        return self.ref.removeprefix(f"{ENVIRONMENTS}/")
