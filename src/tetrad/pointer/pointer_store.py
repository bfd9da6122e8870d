"""The pointers of an environment in the registry: who reads them trusts none that does not count."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select

from tetrad.canonical import Digest, digest_bytes
from tetrad.database import Closing
from tetrad.errors import PointerMoved
from tetrad.pointer.deployers import Deployers
from tetrad.pointer.gateways import GatewayState
from tetrad.pointer.kept_pointers import (
    FORGOTTEN,
    is_running,
    newest,
    read_counting,
    what_came_first,
)
from tetrad.pointer.pointer_json import read_state, write_state
from tetrad.pointer.pointers import Pointer
from tetrad.registry import NewEntry, Place
from tetrad.registry.appending import extend
from tetrad.registry.clock import clock_of
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.entry import read_time, written_time
from tetrad.registry.inserting import insert_into
from tetrad.registry.ledger_tables import CONTENTS, ENTRIES, GATEWAYS
from tetrad.registry.upgrade import open_newest
from tetrad.results.codec import ShapeError

_CHANNEL = "tetrad_pointer"
_POLL_S = 0.02  # how often a file is asked whether it has changed
_HEARD_S = 1.0  # how often a database is read where nothing says that it has
_CLOSES_S = 0.2  # within which a watch ends after `close`
_PAGE = 50  # entries read at once


def _now() -> datetime:
    return datetime.now(UTC)


class PointerStore(Closing):
    """The versions of an environment's pointer, and the gateways that follow it.

    An envelope that no deployer signed does not count, wherever it comes from: it is passed over.
    Any number of processes and threads use a place at once.
    """

    pace_s = 0.1

    def __init__(
        self, place: Place, deployers: Deployers, *, clock: Callable[[], datetime] = _now
    ) -> None:
        """Open the registry, made where there is none."""
        self._place = place
        self._database = open_newest(place, clock=clock)
        self._deployers = deployers
        self._clock = clock
        self._closed = threading.Event()

    @classmethod
    def existing(cls, place: Place, deployers: Deployers) -> Self | None:
        """The store where there is a registry; it is made by whoever writes."""
        exists = not isinstance(place, Path) or place.is_file()
        return cls(place, deployers) if exists else None

    def close(self) -> None:
        """End every watch, and let go of the database."""
        self._closed.set()
        self._database.close()

    @property
    def environment(self) -> str:
        return self._deployers.environment

    def now(self) -> datetime:
        """The time by the database's clock."""
        with self._database.reading() as connection:
            return read_time(connection.execute(select(clock_of(connection))).scalar_one())

    # -- pointers

    def current(self) -> Pointer | None:
        """The pointer that counts; None where nothing was deployed yet."""
        with self._database.reading() as connection:
            return self._last(connection)

    def ignores_last(self) -> bool:
        """Whether there are versions, and the last one does not count: no deployer signed it."""
        with self._database.reading() as connection:
            newest, last = self._newest(connection), self._last(connection)
        return newest is not None and (last is None or last.entry < newest)

    def history(self) -> Iterator[Pointer]:
        """Every version that counts, the newest first."""
        pointer = self.current()
        while pointer is not None:
            yield pointer
            with self._database.reading() as connection:
                pointer = self._before(connection, pointer)

    def append(self, envelope: bytes) -> Pointer:
        """Make a pointer the current one, if it follows it; PointerMoved where another came first.

        Raises Refused where the envelope does not count.
        """
        new = self._deployers.read(envelope)
        with self._database.writing() as connection:
            last = self._last(connection)
            if new.number != (1 if last is None else last.number + 1):
                raise PointerMoved(self.environment, what_came_first(last))
            return self._extended(connection, envelope, last, new)

    def record(self, envelopes: Sequence[bytes]) -> None:
        """Append those versions that are newer than the last one here: they were numbered elsewhere,
        and some may be missing.
        """
        found = [(read_counting(self._deployers, envelope), envelope) for envelope in envelopes]
        counting = [(pointer, envelope) for pointer, envelope in found if pointer is not None]
        with self._database.writing() as connection:
            last = self._last(connection)
            for pointer, envelope in sorted(counting, key=lambda one: one[0].number):
                if last is None or pointer.number > last.number:
                    last = self._extended(connection, envelope, last, pointer)

    def watch(self, after: int = 0) -> Iterator[Pointer]:
        """The current pointer whenever it has a number above `after`, as soon as it changes.

        Blocks meanwhile, and ends when the store is closed; a DatabaseError ends it, too.
        """
        seen = None
        # A database of its own: the store may be closed while another thread watches.
        with closing(LedgerDatabase(self._place)) as database:
            for _ in (self._polls if database.is_file else self._hears)(database):
                with database.reading() as connection:
                    newest = self._newest(connection)
                    current = None if newest == seen else self._last(connection)
                    seen = newest
                if current is not None and current.number > after:
                    after = current.number
                    yield current

    # -- gateways

    def report(self, state: GatewayState) -> None:
        """Note what a gateway says of itself, as seen now by the database's clock."""
        with self._database.changing() as connection:
            now = clock_of(connection)
            row = {
                "gateway": state.gateway,
                "environment": self.environment,
                "seen": now,
                "state": write_state(replace(state, seen=state.started)),
            }
            insert = insert_into(connection, GATEWAYS).values(row)
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=[GATEWAYS.c.gateway],
                    set_={name: insert.excluded[name] for name in row},
                )
            )
            told = read_time(connection.execute(select(now)).scalar_one())
            forgotten = GATEWAYS.c.seen < written_time(told - FORGOTTEN)
            connection.execute(delete(GATEWAYS).where(forgotten))

    def leave(self, gateway: str) -> None:
        """Note that a gateway ends in order: nobody waits for it."""
        with self._database.changing() as connection:
            connection.execute(delete(GATEWAYS).where(GATEWAYS.c.gateway == gateway))

    def gateways(self) -> tuple[GatewayState, ...]:
        """The gateways that are there: those heard of within `THERE`."""
        now, known = self._known_gateways()
        return tuple(state for state in known if is_running(state.seen, now))

    def lost_gateways(self) -> tuple[GatewayState, ...]:
        """Those that ended without a word, or cannot reach the registry, within a day."""
        now, known = self._known_gateways()
        return tuple(state for state in known if not is_running(state.seen, now))

    def _known_gateways(self) -> tuple[datetime, list[GatewayState]]:
        query = select(GATEWAYS).where(GATEWAYS.c.environment == self.environment)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(GATEWAYS.c.gateway)).all()
            now = read_time(connection.execute(select(clock_of(connection))).scalar_one())
        try:
            return now, [replace(read_state(r.state), seen=read_time(r.seen)) for r in rows]
        except (ShapeError, ValueError) as error:
            raise self._database.damaged(f"gateways: {error}") from error

    # -- entries

    def _extended(
        self, connection: Connection, envelope: bytes, last: Pointer | None, new: Pointer
    ) -> Pointer:
        entries = [self._entry(envelope), *self._withdrawals(envelope, last, new)]
        entry, *_ = extend(connection, entries, at=written_time(self._clock()))
        if not self._database.is_file:
            connection.execute(select(func.pg_notify(_CHANNEL, self.environment)))
        return replace(new, entry=entry.number)

    def _last(self, connection: Connection, before: int | None = None) -> Pointer | None:
        """The version with the highest number: not simply the last one, which may be an old one that
        somebody appended again. What the best one so far follows had a lower number, and so had
        everything before.
        """
        best: Pointer | None = None
        count = 1  # the newest is what is nearly always wanted
        while rows := self._rows(connection, before, count, above=best.follows if best else 0):
            best = newest([best, *self._counting(rows)])
            before, count = rows[-1].number, _PAGE
        return best

    def _before(self, connection: Connection, pointer: Pointer) -> Pointer | None:
        """The version before another one, or the nearest that is here."""
        for one in self._counting(self._rows(connection, pointer.follows + 1, 1)):
            if one.number == pointer.number - 1:
                return one
        return self._last(connection, before=pointer.entry)

    def _counting(self, rows: Sequence[Row[Any, Any, Any]]) -> Iterator[Pointer]:
        """The pointers of the entries that count."""
        for row in rows:
            pointer = self._read(row.content, row.bytes)
            if pointer is not None:
                yield replace(pointer, entry=row.number)

    def _newest(self, connection: Connection) -> int | None:
        """The number of the last entry, whether it counts or not."""
        query = select(func.max(ENTRIES.c.number)).where(*self._are_deployments())
        number: int | None = connection.execute(query).scalar_one()
        return number

    def _rows(
        self, connection: Connection, before: int | None, count: int, *, above: int = 0
    ) -> Sequence[Row[Any, Any, Any]]:
        """The newest entries above one and before another, with their contents."""
        query = (
            select(ENTRIES.c.number, ENTRIES.c.content, CONTENTS.c.bytes)
            .join(CONTENTS, CONTENTS.c.digest == ENTRIES.c.content)
            .where(*self._are_deployments(), ENTRIES.c.number > above)
            .order_by(ENTRIES.c.number.desc())
            .limit(count)
        )
        if before is not None:
            query = query.where(ENTRIES.c.number < before)
        return connection.execute(query).all()

    def _are_deployments(self) -> tuple[ColumnElement[bool], ...]:
        return ENTRIES.c.environment == self.environment, ENTRIES.c.kind == "deployment"

    def _read(self, digest: str, data: bytes | None) -> Pointer | None:
        """The pointer of an entry; None where it does not count, or was erased."""
        if data is None:
            return None
        if digest_bytes(data) != Digest.parse(digest):
            raise self._database.damaged(f"content {digest} is not what was appended")
        return read_counting(self._deployers, data)

    def _entry(self, envelope: bytes) -> NewEntry:
        return NewEntry(kind="deployment", environment=self.environment, content=envelope)

    def _withdrawals(
        self, envelope: bytes, last: Pointer | None, new: Pointer
    ) -> Iterator[NewEntry]:
        """An entry for each identity that the new pointer withdraws."""
        for ref, stack in new.stacks.items():
            before = last.stacks.get(ref) if last else None
            known = {withdrawal.identity for withdrawal in before.withdrawn} if before else set()
            for withdrawal in stack.withdrawn:
                if withdrawal.identity not in known:
                    yield NewEntry(
                        kind="withdrawal",
                        stack=ref,
                        identity=withdrawal.identity,
                        environment=self.environment,
                        content=envelope,
                    )

    # -- waiting

    def _polls(self, database: LedgerDatabase) -> Iterator[None]:
        with database.changes() as changes:
            while not self._closed.is_set():
                seen, read = changes(), time.monotonic()
                yield
                while changes() == seen and time.monotonic() - read < _HEARD_S:
                    if self._closed.wait(_POLL_S):
                        break

    def _hears(self, database: LedgerDatabase) -> Iterator[None]:
        with database.listening(_CHANNEL) as driver:
            while not self._closed.is_set():
                yield
                for _ in range(round(_HEARD_S / _CLOSES_S)):
                    heard = list(driver.notifies(timeout=_CLOSES_S, stop_after=1))
                    if heard or self._closed.is_set():
                        break
