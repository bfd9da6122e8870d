"""Appending entries to the chain, within the transaction of whoever writes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from tetrad.canonical import Digest, digest_bytes
from tetrad.registry.chain import entry_of, row_of
from tetrad.registry.entry import Entry, NewEntry
from tetrad.registry.ledger_tables import CONTENTS, ENTRIES


def last_entry(connection: Connection) -> Entry | None:
    query = select(ENTRIES).order_by(ENTRIES.c.number.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else entry_of(row)


def extend(connection: Connection, new: Sequence[NewEntry], *, at: str) -> tuple[Entry, ...]:
    """Append entries with their contents; the connection holds the lock of writers."""
    last = last_entry(connection)
    contents = {digest_bytes(one.content): one.content for one in new}
    _keep(connection, contents)
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


def _keep(connection: Connection, contents: dict[Digest, bytes]) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    keep = dialect.insert(CONTENTS)
    # What was erased and is appended again can be read again.
    keep = keep.on_conflict_do_update(
        index_elements=[CONTENTS.c.digest],
        set_={"bytes": keep.excluded.bytes},
        where=CONTENTS.c.bytes.is_(None),
    )
    rows = [{"digest": str(digest), "bytes": data} for digest, data in contents.items()]
    connection.execute(keep, rows)
