"""Pointers for people: what serves, and what a change moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tetrad.pointer import Pointer, StackPointer


def changed_lines(before: Pointer | None, after: Pointer) -> Iterator[str]:
    """What a change moved, stack by stack."""
    known = {} if before is None else before.stacks
    for ref in sorted({*known, *after.stacks}):
        line = _moved(known.get(ref), after.stacks.get(ref))
        if line:
            yield f"  {ref}: {line}"


def _moved(before: StackPointer | None, after: StackPointer | None) -> str:
    from tetrad.identity import short

    if after is None:
        return "no longer served"
    if before is None:
        return f"{short(after.live.identity)} is live"
    said = []
    if after.live.identity != before.live.identity:
        said.append(f"{short(after.live.identity)} is live, was {short(before.live.identity)}")
    if after.rollout is not None and after.rollout != before.rollout:
        said.append(f"{short(after.rollout.to.identity)} answers {after.rollout.percent:g} %")
    said += [
        f"{short(one.identity)} is withdrawn"
        for one in after.withdrawn
        if before.withdrawal_of(one.identity) is None
    ]
    said += [
        f"{short(one.identity)} is no longer withdrawn"
        for one in before.withdrawn
        if after.withdrawal_of(one.identity) is None
    ]
    if not said and after != before:
        said.append(f"{short(after.live.identity)} is served by other settings")
    return "; ".join(said)
