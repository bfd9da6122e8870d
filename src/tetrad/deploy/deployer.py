"""Who changes what an environment serves, and where that is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tetrad import git
from tetrad.database import files_of
from tetrad.ed25519 import PrivateKey
from tetrad.errors import UsageError
from tetrad.model import Environment
from tetrad.model.references import named
from tetrad.pointer import Deployers, Pointer, seal_pointer
from tetrad.pointer.kept_pointers import KeptPointers
from tetrad.pointer.opening import store_of
from tetrad.pointer.pointer_store import PointerStore
from tetrad.pointer.transitions import Act
from tetrad.registry import Place, registry_place


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployer:
    """`key` is None where the environment names no deployers."""

    environment: Environment
    name: str
    key: PrivateKey | None = None

    def act(self, at: datetime, reason: str = "") -> Act:
        return Act(at=at, by=self.name, reason=reason)

    def seal(self, pointer: Pointer) -> bytes:
        return seal_pointer(pointer, [] if self.key is None else [self.key])


def opened_store(root: Path, environment: Environment) -> KeptPointers:
    """The pointers of an environment, where its target keeps them."""
    return store_of(environment, lambda: registry_of(root))


def existing_store(root: Path, environment: Environment) -> KeptPointers | None:
    """The same for who only reads; None where there is no registry on this machine yet."""
    if environment.cluster is None:
        return PointerStore.existing(registry_of(root), Deployers.of(environment))
    return opened_store(root, environment)


def registry_of(root: Path) -> Place:
    """Where the registry is; GitError for one that a commit brought."""
    place = registry_place(root)
    if isinstance(place, Path):
        git.refuse_committed(root, root / ".tetrad", *files_of(place))
    return place


def stack_named(pointer: Pointer, name: str) -> str:
    """The stack of a pointer that a name means: its reference, or an unambiguous last part."""
    found = named(name, pointer.stacks)
    if len(found) == 1:
        return found[0]
    serves = f"{pointer.environment} serves {', '.join(pointer.stacks) or 'nothing'}"
    what = "is ambiguous" if found else "is not a stack there"
    raise UsageError(f"{name!r} {what}\n  help: {serves}")
