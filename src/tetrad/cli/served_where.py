"""Where a stack's identities served: what each change of an environment's pointer meant for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.canonical import Digest

if TYPE_CHECKING:
    from tetrad.model import Environment
    from tetrad.pointer import Pointer, StackPointer


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedChange:
    """A change of what serves, as one identity met it."""

    environment: str
    number: int  # of the pointer
    at: datetime
    by: str  # empty where the environment names no deployers
    kind: str
    what: str
    reason: str


def served_where(
    root: Path, environments: Iterable[Environment], stack: str
) -> Mapping[Digest, list[ServedChange]]:
    """By identity, the oldest first; of what the registry of this machine has."""
    from tetrad.deploy.deployer import registry_of
    from tetrad.pointer import Deployers
    from tetrad.pointer.pointer_store import PointerStore

    found: dict[Digest, list[ServedChange]] = {}
    for environment in environments:
        store = PointerStore.existing(registry_of(root), Deployers.of(environment))
        if store is not None:
            with store:
                versions = [None, *reversed(list(store.history()))]
            for before, after in pairwise(versions):
                for identity, moved in _moves(before, after, stack):
                    found.setdefault(identity, []).append(moved)
    for moves in found.values():
        moves.sort(key=lambda moved: moved.at)
    return found


def _moves(
    before: Pointer | None, after: Pointer | None, stack: str
) -> Iterator[tuple[Digest, ServedChange]]:
    assert after is not None  # noqa: S101 - only the first of the versions is none
    old = None if before is None else before.stacks.get(stack)
    new = after.stacks.get(stack)
    was, now = _standings(old), _standings(new)
    for identity in {**was, **now}:
        what = now.get(identity, "no longer served")
        if what != was.get(identity, "no longer served"):
            change = after.change
            yield (
                identity,
                ServedChange(
                    environment=after.environment,
                    number=after.number,
                    at=after.at,
                    by=change.by,
                    kind=change.kind,
                    what=what,
                    reason=change.reason,
                ),
            )


def _standings(stack: StackPointer | None) -> Mapping[Digest, str]:
    """What a pointer makes of each identity; a withdrawal says more than that it is kept warm."""
    if stack is None:
        return {}
    found = {served.identity: "kept warm" for served in stack.warm}
    found |= {one.identity: "withdrawn" for one in stack.withdrawn}
    if stack.rollout is not None:
        found[stack.rollout.to.identity] = f"answers {stack.rollout.percent:g} %"
    # While another comes, its share falls: that is the other's to tell.
    return {**found, stack.live.identity: "live"}
