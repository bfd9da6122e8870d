"""What the requests of an environment cost, by the prices of the models that answered.

Gateways tell it of the accounts that have limits of money; days are kept for five weeks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select

from tetrad.registry.clock import clock_of
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.entry import read_time
from tetrad.registry.ledger_tables import SPENDING
from tetrad.registry.place import Place

_NANO = 1_000_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SpentToday:
    """USD by account on a day of UTC, which it is by the database's clock."""

    day: date
    usd: Mapping[str, float]


def spent_since(place: Place, environment: str, day: date) -> Mapping[str, float]:
    """USD by account (an environment, a stack, a client) since a day of UTC."""
    with _reading(place) as connection:
        return {} if connection is None else _spent(connection, environment, day)


def spent_today(place: Place, environment: str) -> SpentToday | None:
    """The same of today; None where there is no registry on this machine."""
    with _reading(place) as connection:
        if connection is None:
            return None
        today = read_time(connection.execute(select(clock_of(connection))).scalar_one()).date()
        return SpentToday(day=today, usd=_spent(connection, environment, today))


@contextmanager
def _reading(place: Place) -> Iterator[Connection | None]:
    if isinstance(place, Path) and not place.is_file():
        yield None
        return
    database = LedgerDatabase(place)
    try:
        with database.reading() as connection:
            yield connection
    finally:
        database.close()


def _spent(connection: Connection, environment: str, since: date) -> Mapping[str, float]:
    if not inspect(connection).has_table(SPENDING.name):
        return {}
    query = (
        select(SPENDING.c.account, func.sum(SPENDING.c.spent))
        .where(SPENDING.c.environment == environment, SPENDING.c.day >= str(since))
        .group_by(SPENDING.c.account)
        .order_by(SPENDING.c.account)
    )
    return {name: int(spent) / _NANO for name, spent in connection.execute(query)}
