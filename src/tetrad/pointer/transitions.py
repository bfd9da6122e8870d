"""How one pointer follows another: pure, so that commands and the gateway's page change it alike.

Whatever is done, an identity that is withdrawn from a stack neither answers nor stays warm there, and
every stack has a live identity.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, pairwise

from tetrad.canonical import Digest
from tetrad.errors import UsageError
from tetrad.identity import short
from tetrad.model.serving import Access, Retain, Serving
from tetrad.pointer.pointers import (
    ChangeKind,
    Pointer,
    PointerChange,
    Rollout,
    ServedIdentity,
    StackPointer,
    Withdrawal,
)

_ALL = 100  # percent


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """Who changes a pointer, when and why."""

    at: datetime
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The identity of a stack that is to serve, and how."""

    identity: Digest
    snapshot: Digest
    commit: str
    serving: Serving


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """What the merged state wants of an environment."""

    environment: str
    commit: str
    stacks: Mapping[str, Wanted] = field(default_factory=dict)  # by reference
    access: Access = Access()
    retain: Retain = Retain()


def deployed(
    before: Pointer | None, merged: Merged, act: Act, *, only: Collection[str] | None = None
) -> Pointer | None:
    """Serve the merged state, or of it the stacks `only`; None where all of it serves already.

    A stack whose identity is withdrawn stays as it is. Where the merged state names another one, its
    withdrawals end. Without `only`, what the merged state has no longer serves no longer.
    """
    stacks = dict(before.stacks) if before else {}
    named = merged.stacks.keys() if only is None else only
    for ref in named:
        stack, wanted = stacks.get(ref), merged.stacks[ref]
        if stack is None or stack.withdrawal_of(wanted.identity) is None:
            stacks[ref] = _served(stack, ref, wanted, act)
    if only is None:
        stacks = {ref: stack for ref, stack in stacks.items() if ref in merged.stacks}
    stacks = {ref: _retained(stack, merged.retain) for ref, stack in stacks.items()}
    known = before.stacks if before else {}
    moved = {ref for ref in {*known, *stacks} if _moves(known.get(ref), stacks.get(ref))}
    after = Pointer(
        environment=merged.environment,
        number=before.number + 1 if before else 1,
        at=max(act.at, before.at) if before else act.at,
        commit=merged.commit,
        change=_change("deploy" if moved else "configure", sorted(moved), act),
        stacks=stacks,
        access=merged.access,
        retain=merged.retain,
        follows=before.entry if before else 0,
    )
    return None if before and _says_the_same(before, after) else after


def advanced(before: Pointer, ref: str, act: Act) -> Pointer:
    """Take a rollout to its next step; the last one makes the new identity live."""
    stack, rollout = _rolling(before, ref)
    step = rollout.step + 1
    if step < len(rollout.serving.rollout.steps) and rollout.serving.rollout.steps[step] < _ALL:
        moved = replace(stack, rollout=replace(rollout, step=step, step_began=act.at))
        return _after(before, {ref: moved}, "step", act)
    return _after(before, {ref: _finished(stack, rollout)}, "finish", act)


def aborted(before: Pointer, ref: str, act: Act) -> Pointer:
    """Give all traffic back to the live identity; the new one is withdrawn."""
    stack, _ = _rolling(before, ref)
    return _after(before, {ref: _back(before, stack, stack.live, act)}, "abort", act)


def rolled_back(before: Pointer, targets: Mapping[str, ServedIdentity | None], act: Act) -> Pointer:
    """Let earlier identities answer, and withdraw those that are left.

    None is the live identity during a rollout, and else the one that served last.
    """
    moved = {
        ref: _back(before, _stack(before, ref), target, act) for ref, target in targets.items()
    }
    return _after(before, moved, "rollback", act)


def released(before: Pointer, ref: str, act: Act) -> Pointer:
    """End the withdrawals of a stack."""
    stack = _stack(before, ref)
    if not stack.withdrawn:
        raise UsageError(f"no identity of {ref} is withdrawn from {before.environment}")
    return _after(before, {ref: replace(stack, withdrawn=())}, "release", act)


def moved_last(history: Iterable[Pointer]) -> tuple[str, ...]:
    """The stacks to which the last deployment brought another identity, and that still have it.

    The history comes with the newest first.
    """
    current: Pointer | None = None
    for after, before in pairwise(chain(history, [None])):
        current = current or after
        if after is None or after.change.kind != "deploy":
            continue
        found = {ref: _newest(stack) for ref, stack in after.stacks.items()}
        known = {} if before is None else before.stacks
        moved = [ref for ref in found if ref not in known or _newest(known[ref]) != found[ref]]
        if moved and current is not None:
            now = {ref: _newest(stack) for ref, stack in current.stacks.items()}
            return tuple(ref for ref in moved if now.get(ref) == found[ref])
    return ()


# -- one stack


def _served(stack: StackPointer | None, ref: str, wanted: Wanted, act: Act) -> StackPointer:
    """A stack that serves what is wanted, or is on its way to."""
    new = ServedIdentity(
        identity=wanted.identity, snapshot=wanted.snapshot, commit=wanted.commit, since=act.at
    )
    if stack is None:
        return StackPointer(stack=ref, live=new, serving=wanted.serving)
    for known in stack.loaded:
        if known.identity == wanted.identity:
            new = replace(known, snapshot=wanted.snapshot)
    if stack.live.identity == wanted.identity:
        return replace(stack, live=new, serving=wanted.serving, rollout=None, withdrawn=())
    rollout = stack.rollout
    if rollout is not None and rollout.to.identity == wanted.identity:
        rollout = replace(rollout, to=new, serving=wanted.serving, step=_step(rollout, wanted))
    else:
        rollout = Rollout(to=new, serving=wanted.serving, step=0, began=act.at, step_began=act.at)
    stack = replace(stack, withdrawn=())
    if rollout.percent < _ALL:
        return replace(stack, rollout=rollout)
    return _finished(stack, rollout)


def _finished(stack: StackPointer, rollout: Rollout) -> StackPointer:
    return replace(
        stack,
        live=rollout.to,
        serving=rollout.serving,
        rollout=None,
        warm=(stack.live, *stack.warm),
    )


def _step(rollout: Rollout, wanted: Wanted) -> int:
    """Where a rollout is by another plan: at no higher a share, if there is a step so low."""
    steps = wanted.serving.rollout.steps
    return max((i for i, share in enumerate(steps) if share <= rollout.percent), default=0)


def _back(
    before: Pointer, stack: StackPointer, target: ServedIdentity | None, act: Act
) -> StackPointer:
    """The stack with an earlier identity live, and what answers now withdrawn."""
    to = target or _previous(before, stack)
    withdrawal = stack.withdrawal_of(to.identity)
    if withdrawal is not None:
        raise UsageError(
            f"{short(to.identity)} is withdrawn from {before.environment}: {withdrawal.why}"
            f"\n  help: tetrad release {before.environment} {stack.stack}"
        )
    left = [served for served in stack.answering if served.identity != to.identity]
    if not left:
        raise UsageError(f"{short(to.identity)} answers {stack.stack} already")
    if stack.rollout is not None and stack.rollout.to.identity == to.identity:
        raise UsageError(
            f"{short(to.identity)} is being rolled out"
            f"\n  help: tetrad rollout continue {before.environment} {stack.stack}"
        )
    return replace(
        stack,
        live=to,
        rollout=None,
        withdrawn=(*(_withdrawal(served, act) for served in left), *stack.withdrawn),
    )


def _previous(before: Pointer, stack: StackPointer) -> ServedIdentity:
    if stack.rollout is not None:
        return stack.live
    if not stack.warm:
        raise UsageError(
            f"{stack.stack} has no earlier identity that is warm in {before.environment}"
            f"\n  help: `tetrad history {before.environment}` shows what served before; name it by"
            " --to"
        )
    return stack.warm[0]


def _withdrawal(served: ServedIdentity, act: Act) -> Withdrawal:
    return Withdrawal(
        identity=served.identity, at=act.at, by=act.by, reason=act.reason, commit=served.commit
    )


def _retained(stack: StackPointer, retain: Retain) -> StackPointer:
    """The stack with those earlier identities warm that are kept."""
    left_out = {served.identity for served in stack.answering}
    left_out |= {withdrawal.identity for withdrawal in stack.withdrawn}
    kept = {s.identity: s for s in reversed(stack.warm) if s.identity not in left_out}
    warm = tuple(reversed(kept.values()))[: retain.identities]
    return replace(stack, warm=warm)


# -- one pointer


def _stack(pointer: Pointer, ref: str) -> StackPointer:
    if ref not in pointer.stacks:
        raise UsageError(f"{ref} does not serve {pointer.environment}")
    return pointer.stacks[ref]


def _rolling(pointer: Pointer, ref: str) -> tuple[StackPointer, Rollout]:
    stack = _stack(pointer, ref)
    if stack.rollout is None:
        raise UsageError(f"{ref} has no rollout in {pointer.environment}")
    return stack, stack.rollout


def _after(
    before: Pointer, moved: Mapping[str, StackPointer], kind: ChangeKind, act: Act
) -> Pointer:
    retained = {ref: _retained(stack, before.retain) for ref, stack in moved.items()}
    return replace(
        before,
        number=before.number + 1,
        at=max(act.at, before.at),
        change=_change(kind, sorted(moved), act),
        stacks={**before.stacks, **retained},
        follows=before.entry,
        entry=0,
    )


def _change(kind: ChangeKind, stacks: Iterable[str], act: Act) -> PointerChange:
    return PointerChange(kind=kind, stacks=tuple(stacks), by=act.by, reason=act.reason)


def _moves(before: StackPointer | None, after: StackPointer | None) -> bool:
    """Whether other identities answer, or are withdrawn."""
    if before is None or after is None:
        return before is not after
    return _identities(before) != _identities(after)


def _identities(stack: StackPointer) -> tuple[object, ...]:
    return [s.identity for s in stack.answering], stack.withdrawn


def _says_the_same(before: Pointer, after: Pointer) -> bool:
    return (before.stacks, before.access, before.retain) == (
        after.stacks,
        after.access,
        after.retain,
    )


def _newest(stack: StackPointer) -> Digest:
    return stack.answering[-1].identity
