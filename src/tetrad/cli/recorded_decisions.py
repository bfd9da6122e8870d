"""What the ledger has of gates' decisions about identities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.canonical import Digest

if TYPE_CHECKING:
    from tetrad.inventory.past_decisions import PastDecision
    from tetrad.registry import Entry
    from tetrad.registry.ledger import Ledger

_LATEST = 50  # decisions about an identity that are looked at


def recorded_decisions(
    root: Path, identities: Iterable[Digest]
) -> Mapping[Digest, tuple[PastDecision, ...]]:
    """The latest decisions about each identity; none where there is no ledger."""
    from tetrad.registry import open_ledger, registry_place

    place = registry_place(root)
    if isinstance(place, Path) and not place.is_file():
        return dict.fromkeys(identities, ())
    with open_ledger(place) as ledger:
        about = ledger.entries_about(identities, ["decision"])
        return {
            identity: tuple(_decided(ledger, entries[-_LATEST:]))
            for identity, entries in about.items()
        }


def _decided(ledger: Ledger, entries: Sequence[Entry]) -> Iterator[PastDecision]:
    from tetrad.inventory.past_decisions import read_decision

    contents = ledger.contents(entry.content for entry in entries)
    for entry in entries:
        content = contents.get(entry.content)  # None: it was erased
        found = read_decision(content, entry.at) if content is not None else None
        if found is not None:
            yield found
