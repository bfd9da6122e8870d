"""Rolling back, aborting and releasing: whoever changes the pointer meanwhile is overtaken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from tetrad.canonical import Digest
from tetrad.deploy.deployer import Deployer, stack_named
from tetrad.errors import PointerMoved, UsageError
from tetrad.identity import short
from tetrad.pointer import Pointer, ServedIdentity
from tetrad.pointer.kept_pointers import KeptPointers
from tetrad.pointer.transitions import Act, aborted, moved_last, released, rolled_back

_IDENTITY = re.compile(r"(?:tetrad:)?([0-9a-f]{7,64})")
_TRIES = 20  # others that change the pointer at the same moment


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedPointer:
    """Two versions of a pointer, one of which follows the other."""

    before: Pointer
    after: Pointer

    def left(self) -> Iterator[tuple[str, ServedIdentity, ServedIdentity]]:
        """What each stack answered with, and what it answers with now."""
        for ref in self.after.change.stacks:
            yield ref, self.before.stacks[ref].answering[-1], self.after.stacks[ref].live


def roll_back(
    store: KeptPointers,
    deployer: Deployer,
    names: Sequence[str],
    *,
    to: str | None = None,
    reason: str = "",
    is_kept: Callable[[ServedIdentity], bool] = lambda _: True,
) -> ChangedPointer:
    """Roll some stacks back, or those that the last deployment moved; UsageError where they would go
    to what is no longer kept.
    """

    def next_of(before: Pointer, act: Act) -> Pointer:
        named = [stack_named(before, name) for name in names] or _moved(store)
        targets = {ref: _target(store, before, ref, to) for ref in named}
        for ref, target in targets.items():
            if target is not None and target not in before.stacks[ref].loaded:
                _refuse_erased(target, is_kept)
        return rolled_back(before, targets, act)

    return _overtaking(store, deployer, next_of, reason)


def _refuse_erased(target: ServedIdentity, is_kept: Callable[[ServedIdentity], bool]) -> None:
    if not is_kept(target):
        raise UsageError(
            f"--to {short(target.identity)}: its files were erased from the registry"
            "\n  help: deploy a commit with its files (`git revert`), or name another identity"
        )


def abort(
    store: KeptPointers, deployer: Deployer, name: str, *, reason: str = ""
) -> ChangedPointer:
    """Abort a stack's rollout."""

    def next_of(before: Pointer, act: Act) -> Pointer:
        return aborted(before, stack_named(before, name), act)

    return _overtaking(store, deployer, next_of, reason)


def put_back(
    store: KeptPointers, deployer: Deployer, ref: str, identity: Digest, *, reason: str
) -> ChangedPointer:
    """Roll a stack back from an identity; PointerMoved where another one was brought meanwhile."""

    def next_of(before: Pointer, act: Act) -> Pointer:
        stack = before.stacks.get(ref)
        if stack is None or stack.answering[-1].identity != identity:
            raise PointerMoved(store.environment, f"{ref} was moved by somebody else")
        return rolled_back(before, {ref: None}, act)

    return _overtaking(store, deployer, next_of, reason)


def release(
    store: KeptPointers, deployer: Deployer, name: str, *, reason: str = ""
) -> ChangedPointer:
    """End the withdrawals of a stack."""

    def next_of(before: Pointer, act: Act) -> Pointer:
        return released(before, stack_named(before, name), act)

    return _overtaking(store, deployer, next_of, reason)


def _overtaking(
    store: KeptPointers,
    deployer: Deployer,
    next_of: Callable[[Pointer, Act], Pointer],
    reason: str,
) -> ChangedPointer:
    """Change the pointer, whoever else changes it at the same moment."""
    for _ in range(_TRIES):
        before = _current(store)
        after = next_of(before, deployer.act(store.now(), reason))
        try:
            return ChangedPointer(before=before, after=store.append(deployer.seal(after)))
        except PointerMoved:
            continue
    raise PointerMoved(store.environment, f"it changed {_TRIES} times during the write")


def _current(store: KeptPointers) -> Pointer:
    current = store.current()
    if current is None:
        raise UsageError(
            f"nothing is deployed to {store.environment}\n  help: tetrad deploy {store.environment}"
        )
    return current


def _moved(store: KeptPointers) -> Sequence[str]:
    moved = moved_last(store.history())
    if not moved:
        raise UsageError(
            f"the last deployment to {store.environment} is already rolled back"
            f"\n  help: name a stack: tetrad rollback {store.environment} STACK"
        )
    return moved


def _target(
    store: KeptPointers, before: Pointer, ref: str, to: str | None
) -> ServedIdentity | None:
    """The identity that a text names among those that serve or served a stack."""
    if to is None:
        return None
    written = _IDENTITY.fullmatch(to)
    if written is None:
        raise UsageError(f"--to {to}: an identity has 7 or more digits")
    for pointer in chain([before], store.history()):
        loaded = pointer.stacks[ref].loaded if ref in pointer.stacks else ()
        found = {s.identity: s for s in loaded if s.identity.hex.startswith(written[1])}
        if len(found) > 1:
            raise UsageError(f"--to {to} is ambiguous\n  help: write more digits")
        if found:
            return next(iter(found.values()))
    raise UsageError(
        f"--to {to}: {ref} never served it in {store.environment}"
        f"\n  help: tetrad history {store.environment}"
    )
