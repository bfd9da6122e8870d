"""Reading a whole ledger and saying where it is not what was appended, damaged pages included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from tetrad.canonical import digest_bytes
from tetrad.registry.chain import ChainCheck, Row, SoundRow
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.entry import Fault, Head
from tetrad.registry.erasures import erased_by
from tetrad.registry.ledger_tables import CONTENTS, ENTRIES
from tetrad.registry.snapshot_contents import contents_in

_PAGE = 1_000  # entries read at once
_FILE = "file"  # of a snapshot: no kind of an entry
_CONTENTS = 100  # contents asked for at once; they are read one by one


def audit(database: LedgerDatabase, heads: Iterable[Head]) -> list[Fault]:
    chain = ChainCheck(heads)
    with database.reading() as connection:
        contents = _Contents(connection, is_file=database.is_file)
        for rows in _pages(connection, chain, is_file=database.is_file):
            contents.look(list(chain.sound(rows)))
        chain.finish()
        damage = _integrity(connection) if database.is_file else []
    faults = [*chain.faults, *contents.faults()]
    return [*damage, *sorted(faults, key=lambda fault: fault.number or 0)]


def _pages(connection: Connection, chain: ChainCheck, *, is_file: bool) -> Iterator[Sequence[Row]]:
    """The rows in order; those that cannot be read are named to the chain."""
    end = connection.execute(select(func.max(ENTRIES.c.number))).scalar_one() or 0
    query = select(ENTRIES).order_by(ENTRIES.c.number).limit(_PAGE)
    last = 0
    while last < end:
        try:
            rows: Sequence[Row] = connection.execute(query.where(ENTRIES.c.number > last)).all()
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
    """The contents of entries, each looked at once."""

    def __init__(self, connection: Connection, *, is_file: bool) -> None:
        self._connection = connection
        self._is_file = is_file
        self._seen: set[str] = set()
        self._gone: dict[str, SoundRow] = {}  # contents without bytes, and an entry of each
        self._erased: set[str] = set()
        self._named: list[SoundRow] = []  # by snapshots, and not looked at yet
        self._faults: list[Fault] = []

    def look(self, entries: Sequence[SoundRow]) -> None:
        new = {entry.content: entry for entry in entries}
        new = {digest: entry for digest, entry in new.items() if digest not in self._seen}
        self._seen |= new.keys()
        digests = list(new)
        for start in range(0, len(digests), _CONTENTS):
            part = digests[start : start + _CONTENTS]
            read = self._read(part)
            for digest in part:
                self._judge(new[digest], read.get(digest))
            if self._named:
                named, self._named = self._named, []
                self.look(named)

    def faults(self) -> list[Fault]:
        for digest, entry in self._gone.items():
            if digest not in self._erased:
                self._say(entry, "is missing, and no entry says that it was erased")
        return self._faults

    def _judge(self, entry: SoundRow, data: object) -> None:
        if data is None:
            self._gone[entry.content] = entry
        elif isinstance(data, DBAPIError):
            self._say(entry, f"cannot be read: {data.orig}")
        elif not isinstance(data, bytes) or str(digest_bytes(data)) != entry.content:
            self._say(entry, "is not what was appended: its digest differs")
        elif entry.kind == "erasure":
            self._erased.update(erased_by(data))
        elif entry.kind == "snapshot":
            number = entry.number
            self._named += [SoundRow(number, _FILE, str(named)) for named in contents_in(data)]

    def _say(self, entry: SoundRow, what: str) -> None:
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
