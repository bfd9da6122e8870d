"""Reading a whole ledger and saying where it is not what was appended, damaged pages included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select, text
from sqlalchemy.exc import DBAPIError

from tetrad.canonical import digest_bytes
from tetrad.registry.chain import ChainCheck, Row
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.entry import Entry, Fault, Head
from tetrad.registry.erasures import erased_by
from tetrad.registry.ledger_tables import CONTENTS, ENTRIES

_PAGE = 1_000  # entries read at once
_CONTENTS = 100  # contents asked for at once; they are read one by one


def audit(database: LedgerDatabase, heads: Iterable[Head]) -> list[Fault]:
    chain = ChainCheck(heads)
    with database.reading() as connection:
        contents = _Contents(connection, is_file=database.is_file)
        for rows in _pages(connection, chain, is_file=database.is_file):
            contents.look(list(chain.entries(rows)))
        chain.finish()
        damage = _integrity(connection) if database.is_file else []
    faults = [*chain.faults, *contents.faults()]
    return [*damage, *sorted(faults, key=lambda fault: fault.number or 0)]


def _pages(connection: Connection, chain: ChainCheck, *, is_file: bool) -> Iterator[Sequence[Row]]:
    """The rows in order; those that cannot be read are named to the chain."""
    last = connection.execute(select(func.max(ENTRIES.c.number))).scalar_one() or 0
    query = select(ENTRIES).order_by(ENTRIES.c.number)
    for start in range(1, last + 1, _PAGE):
        page = query.where(ENTRIES.c.number.between(start, start + _PAGE - 1))
        try:
            rows: Sequence[Row] = [tuple(row) for row in connection.execute(page)]
        except DBAPIError as error:
            if not is_file:  # a transaction of PostgreSQL ends with its first error
                raise
            yield from _one_by_one(
                connection, chain, range(start, min(start + _PAGE, last + 1)), error
            )
        else:
            yield rows


def _one_by_one(
    connection: Connection, chain: ChainCheck, numbers: range, error: DBAPIError
) -> Iterator[Sequence[Row]]:
    why = str(error.orig)
    for number in numbers:
        try:
            yield [tuple(r) for r in connection.execute(_entry(number))]
        except DBAPIError:
            chain.unreadable(number, why)


def _entry(number: int) -> Select[Any]:
    return select(ENTRIES).where(ENTRIES.c.number == number)


def _integrity(connection: Connection) -> list[Fault]:
    """What SQLite itself finds wrong with the file, its indexes included."""
    try:
        said = connection.execute(text("PRAGMA integrity_check(1)")).scalar_one()
    except DBAPIError as error:
        said = str(error.orig)
    message = f"the file is damaged: {' '.join(str(said).split())}"
    return [] if said == "ok" else [Fault(number=None, message=message)]


class _Contents:
    """The contents of entries, each looked at once."""

    def __init__(self, connection: Connection, *, is_file: bool) -> None:
        self._connection = connection
        self._is_file = is_file
        self._seen: set[str] = set()
        self._gone: dict[str, int] = {}  # contents without bytes, and an entry of each
        self._erased: set[str] = set()
        self._faults: list[Fault] = []

    def look(self, entries: Sequence[Entry]) -> None:
        new = {str(entry.content): entry for entry in entries}
        new = {digest: entry for digest, entry in new.items() if digest not in self._seen}
        self._seen |= new.keys()
        digests = list(new)
        for start in range(0, len(digests), _CONTENTS):
            part = digests[start : start + _CONTENTS]
            read = self._read(part)
            for digest in part:
                self._judge(new[digest], read.get(digest))

    def faults(self) -> list[Fault]:
        lost = [number for digest, number in self._gone.items() if digest not in self._erased]
        missing = "the content of entry {} is missing, and no entry says that it was erased"
        return self._faults + [Fault(number=n, message=missing.format(n)) for n in lost]

    def _judge(self, entry: Entry, data: object) -> None:
        if data is None:
            self._gone[str(entry.content)] = entry.number
        elif isinstance(data, DBAPIError):
            self._say(entry, f"cannot be read: {data.orig}")
        elif not isinstance(data, bytes) or digest_bytes(data) != entry.content:
            self._say(entry, "is not what was appended: its digest differs")
        elif entry.kind == "erasure":
            self._erased.update(erased_by(data))

    def _say(self, entry: Entry, what: str) -> None:
        message = f"the content of entry {entry.number} {what}"
        self._faults.append(Fault(number=entry.number, message=message))

    def _read(self, digests: Sequence[str]) -> dict[str, object]:
        """Bytes by their digest, or why they cannot be read."""
        query = select(CONTENTS.c.digest, CONTENTS.c.bytes).where(CONTENTS.c.digest.in_(digests))
        try:
            return {row.digest: row.bytes for row in self._connection.execute(query)}
        except DBAPIError as error:
            if not self._is_file:
                raise
            if len(digests) == 1:
                return {digests[0]: error}
        return {key: data for digest in digests for key, data in self._read([digest]).items()}
