"""What happened: a ledger of identities, runs, decisions, evidence and where identities served.

Entries are appended, never changed, and chained by their digests; what they say lies beside them.
SQLAlchemy and Alembic are imported when a ledger is opened, and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tetrad.registry.entry import Entry, Fault, Head, Kind, NewEntry
from tetrad.registry.erasures import SIGNED
from tetrad.registry.place import Place, PostgresAddress, registry_place

if TYPE_CHECKING:
    from tetrad.registry.ledger import Ledger

__all__ = [
    "SIGNED",
    "Entry",
    "Fault",
    "Head",
    "Kind",
    "NewEntry",
    "Place",
    "PostgresAddress",
    "open_ledger",
    "registry_place",
]


def open_ledger(place: Place, *, if_damaged: str | None = None) -> Ledger:
    """The ledger at a place, made where there is none; `if_damaged` helps who finds it damaged."""
    from tetrad.registry.connection import IF_DAMAGED
    from tetrad.registry.ledger import Ledger

    return Ledger.open(place, if_damaged=if_damaged or IF_DAMAGED)
