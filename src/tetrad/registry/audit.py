"""Reading a whole ledger and saying where it is not what was appended, damaged pages included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, not_, or_, select, text
from sqlalchemy.exc import DBAPIError

from tetrad.canonical import digest_bytes
from tetrad.registry.chain import ChainCheck, Row, SoundRow, stray, twice
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.entry import Fault, Head, Kind
from tetrad.registry.erasures import erased_by
from tetrad.registry.ledger_tables import CONTENTS, ENTRIES
from tetrad.registry.snapshot_contents import contents_in

_PAGE = 1_000  # entries read at once
_FILE = "file"  # of a snapshot: no kind of an entry
_NAMING = frozenset({"erasure", "snapshot"})  # kinds of entries whose contents name others
_CONTENTS = 100  # contents asked for at once; they are read one by one
_IS_INTEGER = func.typeof(ENTRIES.c.number) == "integer"  # SQLite's


def audit(database: LedgerDatabase, heads: Iterable[Head]) -> list[Fault]:
    chain = ChainCheck(heads)
    with database.reading() as connection:
        contents = _Contents(connection, is_file=database.is_file)
        for rows in _pages(connection, chain, select(ENTRIES), is_file=database.is_file):
            contents.look(list(chain.sound(rows)))
        chain.finish()
        strays = _strays(connection, is_file=database.is_file)
        damage = _integrity(connection) if database.is_file else []
    faults = dict.fromkeys([*chain.faults, *strays, *contents.faults()])
    return [*damage, *sorted(faults, key=lambda fault: fault.number or 0)]


def sound_contents(database: LedgerDatabase, kind: Kind) -> Iterator[bytes]:
    """The contents of the entries of a kind that are as they were appended; no others."""
    query = select(ENTRIES).where(ENTRIES.c.kind == kind)
    with database.reading() as connection:
        contents = _Contents(connection, is_file=database.is_file)
        for rows in _pages(connection, ChainCheck(), query, is_file=database.is_file):
            yield from contents.sound(list(ChainCheck().sound(rows)))


def first_digest(database: LedgerDatabase) -> str | None:
    """The digest that the first entry names as its own, whether it is right or not."""
    query = select(ENTRIES.c.digest).where(ENTRIES.c.number == 1)
    with database.reading() as connection:
        try:
            found = connection.execute(query).scalars().first()
        except DBAPIError:
            if not database.is_file:
                raise
            return None
    return found if isinstance(found, str) else None


def _pages(
    connection: Connection, chain: ChainCheck, query: Select[Any], *, is_file: bool
) -> Iterator[Sequence[Row]]:
    """The rows in order; those that cannot be read are named to the chain."""
    number = ENTRIES.c.number
    newest = select(func.max(number))
    if is_file:  # whose columns take any value, once somebody has built the table anew
        query, newest = (one.where(_IS_INTEGER) for one in (query, newest))
    end = connection.execute(newest).scalar_one() or 0
    query = query.order_by(number).limit(_PAGE)
    last = 0
    while last < end:
        try:
            rows: Sequence[Row] = connection.execute(query.where(number > last)).all()
        except DBAPIError:
            if not is_file:  # a transaction of PostgreSQL ends with its first error
                raise
            numbers = range(last + 1, min(last + _PAGE, end) + 1)
            yield from _one_by_one(connection, chain, numbers)
            last = numbers[-1]
        else:
            if not rows:
                return
            yield rows
            last = rows[-1][0]


def _strays(connection: Connection, *, is_file: bool) -> list[Fault]:
    """The rows that no entry's number leads to, which only a table without its key can hold."""
    number = ENTRIES.c.number
    strange = or_(number.is_(None), number < 1, func.count() > 1)
    if is_file:
        strange = or_(strange, not_(_IS_INTEGER))
    query = select(number, func.count()).group_by(number).having(strange)
    try:
        rows = connection.execute(query).all()
    except DBAPIError:  # which is told with the file's damage
        if not is_file:
            raise
        return []
    return [twice(found) if type(found) is int and found > 0 else stray(found) for found, _ in rows]


def _one_by_one(
    connection: Connection, chain: ChainCheck, numbers: range
) -> Iterator[Sequence[Row]]:
    """The rows of those numbers that can be read."""
    for number in numbers:
        query = select(ENTRIES).where(ENTRIES.c.number == number)
        try:
            yield connection.execute(query).all()
        except DBAPIError as error:
            chain.unreadable(range(number, number + 1), str(error.orig))


def _integrity(connection: Connection) -> list[Fault]:
    """What SQLite itself finds wrong with the file, its indexes included."""
    try:
        said = connection.execute(text("PRAGMA integrity_check(1)")).scalar_one()
    except DBAPIError as error:
        said = str(error.orig)
    message = f"the file is damaged: {' '.join(str(said).split())}"
    return [] if said == "ok" else [Fault(number=None, message=message)]


class _Contents:
    """The contents of entries: the bytes of each are looked at once, and at each erasure and snapshot
    again, for what they name.
    """

    def __init__(self, connection: Connection, *, is_file: bool) -> None:
        self._connection = connection
        self._is_file = is_file
        self._last: dict[str, int] = {}  # the last entry that has or names a content
        self._gone: dict[str, SoundRow] = {}  # contents without bytes, and an entry of each
        self._erased: dict[str, int] = {}  # the last entry that says that a content was erased
        self._named: list[SoundRow] = []  # by snapshots, and not looked at yet
        self._faults: list[Fault] = []

    def look(self, entries: Sequence[SoundRow]) -> None:
        new = [entry for entry in entries if self._is_looked_at(entry)]
        for start in range(0, len(new), _CONTENTS):
            part = new[start : start + _CONTENTS]
            read = self._read(list(dict.fromkeys(entry.content for entry in part)))
            for entry in part:
                self._judge(entry, read.get(entry.content))
            if self._named:
                named, self._named = self._named, []
                self.look(named)

    def _is_looked_at(self, entry: SoundRow) -> bool:
        last = self._last.get(entry.content, 0)
        self._last[entry.content] = max(last, entry.number)
        return not last or entry.kind in _NAMING

    def sound(self, entries: Sequence[SoundRow]) -> Iterator[bytes]:
        """The bytes of entries that have the digests which the entries name."""
        for entry in entries:
            data = self._read([entry.content]).get(entry.content)
            if isinstance(data, bytes) and str(digest_bytes(data)) == entry.content:
                yield data

    def faults(self) -> list[Fault]:
        for digest, entry in self._gone.items():
            named = SoundRow(self._last[digest], entry.kind, digest)
            if entry.kind == "erasure":
                self._add_fault(named, "is missing, and what says what was erased is never erased")
            elif (
                self._erased.get(digest, 0) <= named.number
            ):  # what is appended again is there again
                self._add_fault(named, "is missing, and no later entry says that it was erased")
        return self._faults

    def _judge(self, entry: SoundRow, data: object) -> None:
        if data is None:
            known = self._gone.get(entry.content)
            if known is None or entry.kind == "erasure":
                self._gone[entry.content] = entry
        elif isinstance(data, DBAPIError):
            self._add_fault(entry, f"cannot be read: {data.orig}")
        elif not isinstance(data, bytes) or str(digest_bytes(data)) != entry.content:
            self._add_fault(entry, "is not what was appended: its digest differs")
        elif entry.kind == "erasure":
            self._erased |= dict.fromkeys(erased_by(data), entry.number)
        elif entry.kind == "snapshot":
            number = entry.number
            self._named += [SoundRow(number, _FILE, str(named)) for named in contents_in(data)]

    def _add_fault(self, entry: SoundRow, what: str) -> None:
        of = "a file of the snapshot in" if entry.kind == _FILE else "the content of"
        message = f"{of} entry {entry.number} {what}"
        self._faults.append(Fault(number=entry.number, message=message))

    def _read(self, digests: Sequence[str]) -> dict[str, object]:
        """Bytes by their digest, or why they cannot be read."""
        query = select(CONTENTS.c.digest, CONTENTS.c.bytes).where(CONTENTS.c.digest.in_(digests))
        try:
            return {row[0]: row[1] for row in self._connection.execute(query).all()}
        except DBAPIError as error:
            if not self._is_file:
                raise
            if len(digests) == 1:
                return {digests[0]: error}
        return {key: data for digest in digests for key, data in self._read([digest]).items()}
