"""The confirmed calls that were made, in the registry, which all gateways of an environment share."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, select

from tetrad.database import Closing
from tetrad.gateway.proposals import VALID_S
from tetrad.registry import Place
from tetrad.registry.clock import clock_of
from tetrad.registry.entry import read_time, written_time
from tetrad.registry.inserting import insert_into
from tetrad.registry.ledger_tables import CONFIRMATIONS
from tetrad.registry.upgrade import open_newest

# Far longer than a confirmation holds: the clocks of gateways and of the database may differ.
_KEPT = timedelta(days=2, seconds=VALID_S)


class TakenCalls(Closing):
    """Those of one environment."""

    def __init__(self, place: Place, environment: str) -> None:
        """Open the registry, made where there is none."""
        self._database = open_newest(place)
        self._environment = environment
        self._day: date | None = None  # on which old ones were last forgotten

    def close(self) -> None:
        self._database.close()

    def take(self, call: str) -> bool:
        """Whether the call of this id was not taken before; from now on it is, on the disk."""
        with self._database.changing() as connection:
            now = read_time(connection.execute(select(clock_of(connection))).scalar_one())
            row = {"environment": self._environment, "call": call, "at": written_time(now)}
            insert = insert_into(connection, CONFIRMATIONS).values(row)
            written = insert.on_conflict_do_nothing().returning(CONFIRMATIONS.c.call)
            is_first = connection.execute(written).first() is not None
            if self._day != now.date():
                self._forget(connection, now - _KEPT)
        self._day = now.date()
        return is_first

    def _forget(self, connection: Connection, before: datetime) -> None:
        old = CONFIRMATIONS.c.at < written_time(before)
        ours = CONFIRMATIONS.c.environment == self._environment
        connection.execute(delete(CONFIRMATIONS).where(ours, old))
