"""How stacks are served, and who may ask them: limits, rollouts, fallbacks. None of it is behavioural."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tetrad.canonical import Digest


@dataclass(frozen=True, kw_only=True, slots=True)
class AbortLimits:
    """What ends a rollout; None sets no limit. Shares are of the requests to the new identity."""

    error_rate: float | None = None
    p95_ms: float | None = None
    contract_rate: float | None = None  # answers that break the output contract
    guardrail_rate: float | None = None  # requests and answers that a guardrail stopped


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutPlan:
    """The shares of the traffic, in percent and rising, that a new identity takes."""

    steps: tuple[float, ...] = (100.0,)
    pause_s: float = 0.0  # the least time at a step
    min_requests: int = 0  # to the new identity, before a step is judged and left
    abort_if: AbortLimits = AbortLimits()


@dataclass(frozen=True, kw_only=True, slots=True)
class UseLimits:
    """Limits of use; None sets no limit. Money is in USD by days of UTC."""

    usd_per_day: float | None = None  # requests beyond it are refused
    warn_usd_per_day: float | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    concurrency: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """Requests that wait for a place: how many, and for how long."""

    size: int = 100
    deadline_s: float = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedAnswer:
    answer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherStack:
    ref: str


Fallback: TypeAlias = Literal["previous"] | FixedAnswer | OtherStack


@dataclass(frozen=True, kw_only=True, slots=True)
class Serving:
    """Where and how a stack is served."""

    environments: tuple[str, ...] = ()
    rollout: RolloutPlan = RolloutPlan()
    limits: UseLimits = UseLimits()
    queue: Queue = Queue()
    fallback: Fallback | None = None
    cache_s: float | None = None  # how long an equal request gets the same answer; None: never
    sample: float = 0.0  # the share of answers that is kept for `tetrad monitor`


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """Who may ask an environment's gateway: a tenant, its keys as digests, and its limits."""

    tenant: str
    keys: tuple[Digest, ...]  # SHA-256 of the text of each key; several while one is replaced
    stacks: tuple[str, ...] = ()  # references; () for every stack
    limits: UseLimits = UseLimits()


@dataclass(frozen=True, kw_only=True, slots=True)
class Retain:
    """What an environment keeps for a rollback."""

    identities: int = 1  # earlier ones that stay warm
    model_server_hours: float = 0.0
    grace_s: float | None = None  # for answers under way; None: as long as their own limits allow


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Who may ask an environment, and its limits over all stacks. Without clients, anyone may."""

    clients: Mapping[str, Client] = field(default_factory=dict)  # by tenant
    limits: UseLimits = UseLimits()
