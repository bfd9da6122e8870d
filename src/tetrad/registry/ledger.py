"""The ledger: what happened, appended and never changed, each entry chained to the one before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import Connection, Select, select

from tetrad.canonical import Digest, digest_bytes
from tetrad.database import Closing
from tetrad.errors import UsageError
from tetrad.identity import read_identity, written_identity
from tetrad.registry.appending import extend, last_entry
from tetrad.registry.audit import audit, first_digest, sound_contents
from tetrad.registry.chain import entry_of
from tetrad.registry.connection import IF_DAMAGED, LedgerDatabase
from tetrad.registry.contents import contents_there, erase_content, read_contents
from tetrad.registry.entry import Entry, Fault, Head, Kind, NewEntry, written_time
from tetrad.registry.erasures import Erasure, erased_by, erasure, reason_of
from tetrad.registry.ledger_tables import ENTRIES
from tetrad.registry.place import Place
from tetrad.registry.snapshot_contents import files_of_no_other
from tetrad.registry.upgrade import open_newest

_PAGE = 500  # entries read at once


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger(Closing):
    """Entries and their contents, in a SQLite file or on a PostgreSQL server.

    What `append` and `extend` returned is on the disk. Any number of processes append at once.
    """

    def __init__(self, database: LedgerDatabase, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    @classmethod
    def open(
        cls,
        place: Place,
        *,
        clock: Callable[[], datetime] = _now,
        if_damaged: str = IF_DAMAGED,
    ) -> Self:
        """Open the ledger, made where there is none, at the newest version of its tables."""
        return cls(open_newest(place, clock=clock, if_damaged=if_damaged), clock)

    def close(self) -> None:
        self._database.close()

    @property
    def name(self) -> str:
        """The file or the server, without its password."""
        return self._database.name

    # -- appending

    def append(
        self,
        kind: Kind,
        *,
        stack: str | None = None,
        identity: Digest | None = None,
        environment: str | None = None,
        content: bytes,
    ) -> Entry:
        new = NewEntry(
            kind=kind, stack=stack, identity=identity, environment=environment, content=content
        )
        return self.extend([new])[0]

    def extend(self, new: Sequence[NewEntry]) -> tuple[Entry, ...]:
        """Append several entries, all or none."""
        if not new:
            return ()
        with self._database.writing() as connection:
            return extend(connection, new, at=written_time(self._clock()))

    def erase(self, contents: Iterable[Digest], *, reason: str = "") -> tuple[Digest, ...]:
        """Erase contents for good, and append an entry that says so; those that there were.

        With a snapshot go its files, but for those that another snapshot needs.
        """
        with self._database.writing() as connection:
            wanted = dict.fromkeys(contents)
            wanted |= dict.fromkeys(files_of_no_other(connection, wanted))
            kept = wanted.keys() & _erasures(connection)
            if kept:
                raise UsageError(f"{min(map(str, kept))} says what was erased, and stays")
            erased = tuple(digest for digest in wanted if erase_content(connection, digest))
            if not erased:
                return ()
            said = NewEntry(kind="erasure", content=erasure(erased, reason))
            extend(connection, [said], at=written_time(self._clock()))
        self._database.forget_erased()
        return erased

    def erasure_of(self, digest: Digest) -> Erasure | None:
        """When a content was erased last; None where it never was."""
        found = None
        for entry in self.entries(kind="erasure"):
            said = self.content(entry.content) or b""
            if str(digest) in erased_by(said):
                found = Erasure(at=entry.at, reason=reason_of(said))
        return found

    # -- reading

    def head(self) -> Head | None:
        """The last entry's number and digest; None where nothing has happened yet."""
        with self._database.reading() as connection:
            last = last_entry(connection)
        return None if last is None else Head(last.number, last.digest)

    def entries(
        self,
        *,
        kind: Kind | None = None,
        stack: str | None = None,
        identity: Digest | None = None,
        environment: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[Entry]:
        """The entries of a kind, a stack, an identity, an environment and a time, in order."""
        wanted = {
            ENTRIES.c.kind: kind,
            ENTRIES.c.stack: stack,
            ENTRIES.c.identity: None if identity is None else written_identity(identity),
            ENTRIES.c.environment: environment,
        }
        query = select(ENTRIES).order_by(ENTRIES.c.number).limit(_PAGE)
        query = query.where(*(c == value for c, value in wanted.items() if value is not None))
        if since is not None:
            query = query.where(ENTRIES.c.at >= written_time(since))
        yield from self._paged(query)

    def entries_about(
        self, identities: Iterable[Digest], kinds: Collection[Kind]
    ) -> Mapping[Digest, Sequence[Entry]]:
        """The entries of some kinds about each of many identities, in order."""
        found: dict[Digest, list[Entry]] = {identity: [] for identity in identities}
        wanted = list(map(written_identity, found))
        for start in range(0, len(wanted), _PAGE):
            some = ENTRIES.c.identity.in_(wanted[start : start + _PAGE])
            query = select(ENTRIES).where(ENTRIES.c.kind.in_(kinds), some)
            for entry in self._paged(query.order_by(ENTRIES.c.number).limit(_PAGE)):
                if entry.identity is not None:
                    found[entry.identity].append(entry)
        return found

    def _paged(self, query: Select[Any]) -> Iterator[Entry]:
        last = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(ENTRIES.c.number > last)).all()
                page = [entry_of(row) for row in rows]
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1].number

    def content(self, digest: Digest) -> bytes | None:
        """The bytes behind a digest; None where they were erased or are not of this ledger."""
        return self.contents([digest]).get(digest)

    def contents(self, digests: Iterable[Digest]) -> dict[Digest, bytes]:
        """The bytes behind those of the digests that are of this ledger and were not erased."""
        with self._database.reading() as connection:
            found = dict(read_contents(connection, digests))
        for digest, data in found.items():
            if type(data) is not bytes or digest_bytes(data) != digest:
                raise self._database.damaged(f"content {digest} is not what was appended")
        return found

    def has(self, digests: Iterable[Digest]) -> bool:
        """Whether the bytes behind every one of the digests are here."""
        wanted = set(digests)
        return self.those_there(wanted) == wanted

    def those_there(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those of the digests whose bytes are here."""
        with self._database.reading() as connection:
            return contents_there(connection, set(digests))

    def identities(self, kind: Kind, digits: str) -> tuple[Digest, ...]:
        """The identities of a kind of entries that begin with these hexadecimal digits."""
        first, last = (Digest.parse(f"sha256:{digits:{end}<64}") for end in "0f")
        between = ENTRIES.c.identity.between(written_identity(first), written_identity(last))
        query = select(ENTRIES.c.identity).distinct().order_by(ENTRIES.c.identity)
        query = query.where(ENTRIES.c.kind == kind, between)
        with self._database.reading() as connection:
            return tuple(map(read_identity, connection.execute(query).scalars()))

    def environments(self, kind: Kind) -> tuple[str, ...]:
        """The environments that a kind of entries is about."""
        query = select(ENTRIES.c.environment).distinct().order_by(ENTRIES.c.environment)
        query = query.where(ENTRIES.c.kind == kind, ENTRIES.c.environment.is_not(None))
        with self._database.reading() as connection:
            return tuple(connection.execute(query).scalars())

    def verify(self, heads: Iterable[Head] = ()) -> list[Fault]:
        """Recompute the whole chain and every content: what is not as it was appended, in order.

        Known `heads` that the ledger does not hold show a rewritten or an older copy.
        """
        return audit(self._database, heads)

    # -- reading what is there, whatever is damaged

    @property
    def first_digest(self) -> str | None:
        """The digest that the first entry names as its own, which tells this ledger from others."""
        return first_digest(self._database)

    def sound_contents(self, kind: Kind) -> Iterator[bytes]:
        """The contents of the entries of a kind that are as they were appended; no others."""
        return sound_contents(self._database, kind)


def _erasures(connection: Connection) -> set[Digest]:
    """The contents that say what was erased."""
    query = select(ENTRIES.c.content).where(ENTRIES.c.kind == "erasure")
    return {Digest.parse(digest) for digest in connection.execute(query).scalars()}
