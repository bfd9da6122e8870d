"""Appending entries to the chain, within the transaction of whoever writes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from tetrad.canonical import digest_bytes
from tetrad.registry.chain import entry_of, row_of
from tetrad.registry.contents import keep_contents
from tetrad.registry.entry import Entry, NewEntry
from tetrad.registry.ledger_tables import ENTRIES


def last_entry(connection: Connection) -> Entry | None:
    query = select(ENTRIES).order_by(ENTRIES.c.number.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else entry_of(row)


def extend(connection: Connection, new: Sequence[NewEntry], *, at: str) -> tuple[Entry, ...]:
    """Append entries with their contents; the connection holds the lock of writers."""
    last = last_entry(connection)
    keep_contents(
        connection, {digest_bytes(data): data for one in new for data in (one.content, *one.beside)}
    )
    made: list[Entry] = []
    for one in new:
        last = Entry(
            number=last.number + 1 if last else 1,
            kind=one.kind,
            at=at,
            stack=one.stack,
            identity=one.identity,
            environment=one.environment,
            content=digest_bytes(one.content),
            previous=last.digest if last else None,
        )
        made.append(last)
    connection.execute(ENTRIES.insert(), [row_of(entry) for entry in made])
    return tuple(made)
