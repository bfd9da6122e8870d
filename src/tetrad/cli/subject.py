"""What a command is asked about: a stack as it is now, as it was at a revision, or an identity."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tetrad.errors import SpecError, UsageError

if TYPE_CHECKING:
    from tetrad.model import Stack
    from tetrad.snapshots import Snapshot
    from tetrad.trees import FileTree

SUBJECT = "a stack, a stack at a revision (triage@main), or an identity (7 digits or more)"
_IDENTITY = re.compile(r"(?:tetrad:)?([0-9a-f]{7,64})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A stack, and the tree whose files it was loaded from."""

    files: FileTree
    stack: Stack
    commit: str | None = None  # None: the working tree, or the registry
    kept: Snapshot | None = None  # by the registry

    def snapshot(self) -> Snapshot:
        from tetrad.snapshots import take_snapshot

        return self.kept or take_snapshot(self.files, self.stack.ref)


@contextmanager
def subject_of(root: Path, written: str) -> Iterator[Subject]:
    """What a text names; UsageError where it names nothing."""
    from tetrad.loading.files import Tree
    from tetrad.loading.reach import files_of
    from tetrad.snapshots.taking import stack_named
    from tetrad.trees import WorkingTree

    files = WorkingTree(root)
    identity = _IDENTITY.fullmatch(written)
    if identity and files_of(Tree(files), [written], ("stack",)) is not None:
        identity = None  # a stack has this name
    name, _, ref = written.rpartition("@")
    if identity:
        with _identified(root, identity[1]) as subject:
            yield subject
    elif name:
        with _at(root, name, ref) as subject:
            yield subject
    else:
        yield Subject(files=files, stack=stack_named(files, written))


@contextmanager
def _at(root: Path, name: str, ref: str) -> Iterator[Subject]:
    from tetrad import git
    from tetrad.snapshots.taking import stack_named

    commit = git.resolve(root, ref)
    with (
        TemporaryDirectory(prefix="tetrad-tree-") as folder,
        closing(git.CommitTree(root, commit, Path(folder))) as files,
    ):
        try:
            stack = stack_named(files, name)
        except SpecError as error:
            told = str(error).replace("\n", "\n  ")
            raise UsageError(f"{name} does not load at {commit[:12]}:\n  {told}") from error
        yield Subject(files=files, stack=stack, commit=commit)


@contextmanager
def _identified(root: Path, digits: str) -> Iterator[Subject]:
    """The stack of an identity: of the working tree, by a lock of the history, or of the registry."""
    from tetrad import git
    from tetrad.identity import identity_of
    from tetrad.loading.repositories import read_repository
    from tetrad.trees import WorkingTree

    known = read_repository(root).repository.stacks.values()  # whatever is wrong with others
    stacks = [stack for stack in known if identity_of(stack).hex.startswith(digits)]
    if len({identity_of(stack) for stack in stacks}) > 1:
        refs = ", ".join(stack.ref for stack in stacks)
        raise UsageError(f"{digits} is ambiguous: {refs}\n  help: write more digits")
    if stacks:
        yield Subject(files=WorkingTree(root), stack=stacks[0])
    elif (found := git.lock_with(root, f"identity: tetrad:{digits}")) is None:
        kept = _kept(root, digits)
        if kept is None:
            raise UsageError(
                f"unknown identity {digits[:12]}: no stack of this tree has it, no lock of a commit"
                " and no snapshot of the registry"
                "\n  help: git fetch the commit that it was made from, or name STACK@COMMIT"
            )
        yield kept
    else:
        commit, stack = found
        with _at(root, stack, commit) as subject:
            has = identity_of(subject.stack)
            if has.hex.startswith(digits):
                yield subject
            elif kept := _kept(root, digits):
                yield kept
            else:
                raise UsageError(
                    f"{stack} at {commit[:12]} has the identity {has.hex[:12]}, and its lock says"
                    f" {digits[:12]}\n  help: another release of Tetrad wrote the lock, or it was stale"
                )


def _kept(root: Path, digits: str) -> Subject | None:
    """The stack of an identity of which the registry keeps a snapshot."""
    from tetrad.registry import open_ledger, registry_place
    from tetrad.snapshots.held_tree import HeldTree
    from tetrad.snapshots.kept import load
    from tetrad.snapshots.taking import stack_named

    place = registry_place(root)
    if isinstance(place, Path) and not place.is_file():
        return None
    with open_ledger(place) as ledger:
        identities = ledger.identities("snapshot", digits)
        if len(identities) > 1:
            raise UsageError(f"{digits} is ambiguous in {ledger.name}\n  help: write more digits")
        if not identities:
            return None
        snapshot = load(ledger, identities[0])
    files = HeldTree(snapshot.files)
    return Subject(files=files, stack=stack_named(files, snapshot.stack), kept=snapshot)
