"""What of an environment has limits of money, under the names by which its gateways account for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tetrad.model.serving import UseLimits
from tetrad.pointer.pointers import Pointer


@dataclass(frozen=True, kw_only=True, slots=True)
class DailyBudget:
    """One account, with what was spent of it on a day; None for no limit."""

    account: str
    usd: float
    limit_usd: float | None
    warn_usd: float | None


def budgets_of(pointer: Pointer, spent: Mapping[str, float]) -> tuple[DailyBudget, ...]:
    """The accounts of a pointer that have limits of money; `spent` is in USD by account."""
    limits: dict[str, UseLimits] = {"environment": pointer.access.limits}
    limits |= {f"stack {ref}": stack.serving.limits for ref, stack in pointer.stacks.items()}
    limits |= {
        f"client {tenant}": client.limits for tenant, client in pointer.access.clients.items()
    }
    return tuple(
        DailyBudget(
            account=account,
            usd=spent.get(account, 0.0),
            limit_usd=of.usd_per_day,
            warn_usd=of.warn_usd_per_day,
        )
        for account, of in limits.items()
        if of.usd_per_day is not None or of.warn_usd_per_day is not None
    )
