"""What the requests of an environment cost, by the prices of the models that answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from sqlalchemy import func, inspect, select

from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.ledger_tables import SPENDING
from tetrad.registry.place import Place

_NANO = 1_000_000_000


def spent_since(place: Place, environment: str, day: date) -> Mapping[str, float]:
    """USD by account (an environment, a stack, a client) since a day of UTC.

    Gateways tell it of the accounts that have limits of money; days are kept for five weeks.
    """
    if isinstance(place, Path) and not place.is_file():
        return {}
    database = LedgerDatabase(place)
    try:
        query = (
            select(SPENDING.c.account, func.sum(SPENDING.c.spent))
            .where(SPENDING.c.environment == environment, SPENDING.c.day >= str(day))
            .group_by(SPENDING.c.account)
            .order_by(SPENDING.c.account)
        )
        with database.reading() as connection:
            if not inspect(connection).has_table(SPENDING.name):
                return {}
            return {name: int(spent) / _NANO for name, spent in connection.execute(query)}
    finally:
        database.close()
