"""The spending of an environment's gateways in the registry, by accounts and days of UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, text

from tetrad.database import Closing
from tetrad.gateway.limiting.purse import HOLDS_S, Claim, Holding, granted
from tetrad.registry import Place
from tetrad.registry.clock import clock_of
from tetrad.registry.entry import read_time, written_time
from tetrad.registry.inserting import insert_into
from tetrad.registry.ledger_tables import SPENDING
from tetrad.registry.upgrade import open_newest

_KEPT = timedelta(days=35)


class Spending(Closing):
    """What one gateway tells of its spending, and may hold."""

    def __init__(self, place: Place, environment: str, gateway: str) -> None:
        """Open the registry, made where there is none."""
        self._database = open_newest(place)
        self._environment = environment
        self._gateway = gateway
        self._day: date | None = None

    def close(self) -> None:
        self._database.close()

    def exchange(self, claims: Sequence[Claim]) -> Mapping[str, Holding]:
        """Tell what was spent, and hold what is to be had, of each account; all on the disk, or
        nothing. A claim that is told twice counts once.
        """
        with self._database.changing() as connection:
            if not self._database.is_file:
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
                    {"name": f"tetrad spending {self._environment}"},
                )
            now = read_time(connection.execute(select(clock_of(connection))).scalar_one())
            if self._day != now.date():
                self._forget(connection, now.date())
            found = {claim.account: self._settled(connection, claim, now) for claim in claims}
        self._day = now.date()
        return found

    def _settled(self, connection: Connection, claim: Claim, now: datetime) -> Holding:
        day = now.date()
        others_spent, others_held = self._others(connection, claim.account, now)
        spent = max(claim.spent.get(day, 0), self._spent(connection, claim.account, day))
        held = granted(claim, spent, others_spent + others_held)
        until = written_time(now + timedelta(seconds=HOLDS_S))
        for told in claim.spent.keys() - {day}:
            before = self._spent(connection, claim.account, told)
            self._write(connection, claim.account, told, max(claim.spent[told], before), 0, until)
        self._write(connection, claim.account, day, spent, held, until)
        midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
        return Holding(
            day=day,
            day_left_s=(midnight - now).total_seconds(),
            held=held,
            spent_by_others=others_spent,
            held_by_others=others_held,
        )

    def _others(self, connection: Connection, account: str, now: datetime) -> tuple[int, int]:
        """What the other gateways have spent today, and hold."""
        theirs = (
            SPENDING.c.environment == self._environment,
            SPENDING.c.account == account,
            SPENDING.c.day == str(now.date()),
            SPENDING.c.gateway != self._gateway,
        )
        spent = select(func.coalesce(func.sum(SPENDING.c.spent), 0)).where(*theirs)
        held = select(func.coalesce(func.sum(SPENDING.c.held), 0)).where(
            *theirs, SPENDING.c.until > written_time(now)
        )
        return (
            int(connection.execute(spent).scalar_one()),
            int(connection.execute(held).scalar_one()),
        )

    def _spent(self, connection: Connection, account: str, day: date) -> int:
        """What this gateway has told of a day so far."""
        query = select(SPENDING.c.spent).where(
            SPENDING.c.environment == self._environment,
            SPENDING.c.account == account,
            SPENDING.c.day == str(day),
            SPENDING.c.gateway == self._gateway,
        )
        return int(connection.execute(query).scalar_one_or_none() or 0)

    def _write(
        self, connection: Connection, account: str, day: date, spent: int, held: int, until: str
    ) -> None:
        row: dict[str, Any] = {
            "environment": self._environment,
            "account": account,
            "day": str(day),
            "gateway": self._gateway,
            "spent": spent,
            "held": held,
            "until": until,
        }
        insert = insert_into(connection, SPENDING).values(row)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=list(SPENDING.primary_key.columns),
                set_={name: insert.excluded[name] for name in ("spent", "held", "until")},
            )
        )

    def _forget(self, connection: Connection, today: date) -> None:
        old = SPENDING.c.day < str(today - _KEPT)
        connection.execute(delete(SPENDING).where(SPENDING.c.environment == self._environment, old))
