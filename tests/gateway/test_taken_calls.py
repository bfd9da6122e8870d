"""What the gateways of an environment remember of confirmed calls, on SQLite and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update

from tetrad.gateway.taken_calls import TakenCalls
from tetrad.registry import Place
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.entry import written_time
from tetrad.registry.ledger_tables import CONFIRMATIONS


def test_one_of_many_takes_a_call(place: Place) -> None:
    with TakenCalls(place, "production") as first, TakenCalls(place, "production") as second:
        with ThreadPoolExecutor(6) as pool:
            took = list(pool.map(lambda n: (first, second)[n % 2].take("call_1"), range(12)))

        assert sorted(took) == [False] * 11 + [True]
        assert second.take("call_2")


def test_environments_are_apart(place: Place) -> None:
    with TakenCalls(place, "production") as one, TakenCalls(place, "staging") as other:
        assert one.take("call_1")
        assert other.take("call_1")


def test_what_is_long_past_is_forgotten(place: Place) -> None:
    with TakenCalls(place, "production") as taken:
        taken.take("call_1")
    database = LedgerDatabase(place)
    with database.changing() as connection:
        past = written_time(datetime.now(UTC) - timedelta(days=3))
        connection.execute(update(CONFIRMATIONS).values(at=past))
    with TakenCalls(place, "production") as taken:
        taken.take("call_2")
    with database.reading() as connection:
        left = connection.execute(select(func.count()).select_from(CONFIRMATIONS)).scalar_one()
    database.close()

    assert left == 1
