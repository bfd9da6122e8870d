"""What gateways load of the registry: erased, an environment could not start again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tetrad.canonical import Digest
from tetrad.pointer.deployers import Deployers
from tetrad.pointer.pointer_store import PointerStore
from tetrad.pointer.pointers import Pointer
from tetrad.registry.snapshot_contents import contents_in

if TYPE_CHECKING:
    from tetrad.registry import Place
    from tetrad.registry.ledger import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyIdentity:
    """An identity that a gateway keeps ready."""

    environment: str
    stack: str  # reference
    identity: Digest
    role: str  # live, rolling out or warm


def loaded_contents(
    place: Place, ledger: Ledger, known: Mapping[str, Deployers]
) -> Mapping[Digest, ReadyIdentity]:
    """The contents that the pointers of all environments need, and for which identity.

    Whose pointers count is known of the environments of this checkout; of those that another
    repository keeps in the same registry, anybody's do.
    """
    found: dict[Digest, ReadyIdentity] = {}
    for name in ledger.environments("deployment"):
        with PointerStore(place, known.get(name, Deployers(environment=name))) as store:
            pointer = store.current()
        for snapshot, loaded in _loaded(pointer) if pointer is not None else ():
            manifest = ledger.content(snapshot)
            needed = contents_in(manifest) if manifest is not None else ()
            found |= dict.fromkeys((snapshot, *needed), loaded)
    return found


def _loaded(pointer: Pointer) -> Iterator[tuple[Digest, ReadyIdentity]]:
    for stack, served in pointer.loaded():
        role = "rolling out" if served in stack.answering else "warm"
        yield (
            served.snapshot,
            ReadyIdentity(
                environment=pointer.environment,
                stack=stack.stack,
                identity=served.identity,
                role="live" if served == stack.live else role,
            ),
        )
