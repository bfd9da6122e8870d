"""What the console shows, as one JSON value: pure, of the pointer, its history and the gateways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from math import isfinite

from tetrad.canonical import Digest, Json
from tetrad.gateway.console.proofs import Proof
from tetrad.identity import short, written_identity
from tetrad.model.references import last_part
from tetrad.pointer import Figures, GatewayState, Pointer, ServedIdentity, StackPointer, Withdrawal
from tetrad.pointer.daily_budgets import DailyBudget

HISTORY = 50  # changes that are listed


def console_state(
    pointer: Pointer | None,
    history: Sequence[Pointer],
    gateways: Sequence[GatewayState],
    *,
    environment: str,
    proofs: Mapping[Digest, Proof],
    budgets: Sequence[DailyBudget],
    can_roll_back: bool,
    now: datetime,
) -> Json:
    """`history` begins with the last change; `can_roll_back` says that the environment names deployers."""
    stacks = () if pointer is None else pointer.stacks.values()
    return {
        "environment": environment,
        "now": _time(now),
        "number": None if pointer is None else pointer.number,
        "commit": None if pointer is None else pointer.commit,
        "at": None if pointer is None else _time(pointer.at),
        "can_roll_back": can_roll_back,
        "stacks": [_stack(stack, gateways, proofs) for stack in stacks],
        "budgets": [asdict(budget) for budget in budgets],
        "gateways": [_gateway(gateway, pointer) for gateway in gateways],
        "history": [_change(version) for version in history[:HISTORY]],
    }


def _stack(
    stack: StackPointer, gateways: Sequence[GatewayState], proofs: Mapping[Digest, Proof]
) -> Json:
    rollout = stack.rollout
    withdrawn = {withdrawal.identity: withdrawal for withdrawal in stack.withdrawn}
    shares = {stack.live.identity: 100.0 if rollout is None else 100.0 - rollout.percent}
    if rollout is not None:
        shares[rollout.to.identity] = rollout.percent
    known = [_identity(s, shares, withdrawn, gateways, proofs) for s in stack.loaded]
    gone = [_withdrawal(w, gateways) for w in withdrawn.values() if w.identity not in _of(stack)]
    return {
        "stack": stack.stack,
        "name": last_part(stack.stack),
        "rolling_out": rollout is not None,
        "steps": [] if rollout is None else list(rollout.serving.rollout.steps),
        "step": None if rollout is None else rollout.step,
        "identities": [*known, *gone],
        "back_to": _back_to(stack),
    }


def _of(stack: StackPointer) -> frozenset[Digest]:
    return frozenset(served.identity for served in stack.loaded)


def _back_to(stack: StackPointer) -> Json:
    """The identity that a rollback would return to; None where there is none."""
    if stack.rollout is not None:
        return written_identity(stack.live.identity)
    withdrawn = {withdrawal.identity for withdrawal in stack.withdrawn}
    found = (s.identity for s in stack.warm if s.identity not in withdrawn)
    back = next(found, None)
    return None if back is None else written_identity(back)


def _identity(
    served: ServedIdentity,
    shares: Mapping[Digest, float],
    withdrawn: Mapping[Digest, Withdrawal],
    gateways: Sequence[GatewayState],
    proofs: Mapping[Digest, Proof],
) -> Json:
    withdrawal = withdrawn.get(served.identity)
    share = shares.get(served.identity, 0.0)
    proof = proofs.get(served.identity)
    state = "withdrawn" if withdrawal else "warm"
    if served.identity in shares:
        state = "rolling out" if served.identity != next(iter(shares)) else "live"
    return {
        "identity": written_identity(served.identity),
        "short": short(served.identity),
        "state": state,
        "share": share,
        "commit": served.commit,
        "since": _time(served.since),
        "reason": withdrawal.reason if withdrawal else "",
        "figures": _figures(served.identity, gateways),
        "evidence": None
        if proof is None
        else {
            "evaluated_by": list(proof.evaluated_by),
            "approved_by": list(proof.approved_by),
            "admitted_by": list(proof.admitted_by),
            "last_signed": None if proof.last_signed is None else _time(proof.last_signed),
        },
    }


def _withdrawal(withdrawal: Withdrawal, gateways: Sequence[GatewayState]) -> Json:
    return {
        "identity": written_identity(withdrawal.identity),
        "short": short(withdrawal.identity),
        "state": "withdrawn",
        "share": 0.0,
        "commit": withdrawal.commit,
        "since": _time(withdrawal.at),
        "reason": withdrawal.reason,
        "figures": _figures(withdrawal.identity, gateways),
        "evidence": None,
    }


def _figures(identity: Digest, gateways: Sequence[GatewayState]) -> Json:
    """What all gateways counted of an identity."""
    name = written_identity(identity)
    total = sum((gateway.figures.get(name, Figures()) for gateway in gateways), Figures())
    return {
        "requests": total.requests,
        "errors": total.errors,
        "contract": total.contract,
        "guarded": total.guarded,
        "usd": round(total.usd, 6),
        "p50_ms": _quantile(total, 0.5),
        "p95_ms": _quantile(total, 0.95),
    }


def _quantile(figures: Figures, share: float) -> int | None:
    """A quantile in whole milliseconds; None beyond the last bucket, or of no requests."""
    value = figures.quantile_ms(share)
    return round(value) if figures.latency_ms and isfinite(value) else None


def _gateway(gateway: GatewayState, pointer: Pointer | None) -> Json:
    return {
        "gateway": gateway.gateway,
        "address": gateway.address,
        "release": gateway.release,
        "started": _time(gateway.started),
        "seen": _time(gateway.seen),
        "number": gateway.number,
        "follows": pointer is not None and gateway.number >= pointer.number,
        "ready": gateway.ready,
        "problem": gateway.problem,
    }


def _change(version: Pointer) -> Json:
    change = version.change
    return {
        "number": version.number,
        "at": _time(version.at),
        "kind": change.kind,
        "stacks": [last_part(ref) for ref in change.stacks],
        "by": change.by,
        "reason": change.reason,
        "commit": version.commit,
        "now": {
            last_part(ref): _answers(version.stacks[ref])
            for ref in change.stacks
            if ref in version.stacks
        },
    }


def _answers(stack: StackPointer) -> str:
    """Who answers, in a few words."""
    if stack.rollout is None:
        return short(stack.live.identity)
    return (
        f"{short(stack.rollout.to.identity)} at {stack.rollout.percent:g} %,"
        f" {short(stack.live.identity)} the rest"
    )


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
