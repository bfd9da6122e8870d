"""Gateways that share a budget through the registry, on SQLite and PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tetrad.gateway.limiting.purse import Claim
from tetrad.gateway.limiting.spending import Spending
from tetrad.registry import Place
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.ledger_tables import SPENDING


def claim(spent: int = 0, *, need: int = 0, want: int | None = None, limit: int = 1_000) -> Claim:
    today = datetime.now(UTC).date()
    return Claim(
        account="stack:a",
        limit=limit,
        spent={today: spent},
        need=need,
        want=need if want is None else want,
    )


def gateway(place: Place, environment: str = "production") -> Spending:
    return Spending(place, environment, uuid.uuid4().hex)


def test_one_gateway_holds_what_the_others_leave(place: Place) -> None:
    with gateway(place) as first, gateway(place) as second, gateway(place, "staging") as other:
        assert first.exchange([claim(need=100, want=700)])["stack:a"].held == 500
        found = second.exchange([claim(need=600)])["stack:a"]
        assert (found.held, found.held_by_others, found.spent_by_others) == (500, 500, 0)

        first.exchange([claim(spent=200)])
        found = second.exchange([claim(need=900)])["stack:a"]
        assert (found.held, found.held_by_others, found.spent_by_others) == (800, 0, 200)
        assert other.exchange([claim(need=1_000)])["stack:a"].held == 1_000


def test_what_is_told_twice_is_charged_once(place: Place) -> None:
    with gateway(place) as first, gateway(place) as second:
        for _ in range(3):
            first.exchange([claim(spent=300)])
        first.exchange([claim(spent=100)])  # an old word that arrives late

        assert second.exchange([claim()])["stack:a"].spent_by_others == 300


def test_days_are_counted_apart(place: Place) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    with gateway(place) as first, gateway(place) as second:
        told = Claim(account="stack:a", limit=1_000, spent={yesterday: 900}, need=0, want=0)
        found = first.exchange([told])["stack:a"]

        assert isinstance(found.day, date)
        assert 0 < found.day_left_s <= 86_400
        assert second.exchange([claim(need=1_000)])["stack:a"].held == 1_000


@pytest.mark.parametrize("gateways", [4])
def test_gateways_that_ask_at_the_same_moment_hold_no_more_than_there_is(
    place: Place, gateways: int
) -> None:
    held: list[int] = []

    def ask() -> None:
        with gateway(place) as one:
            for need in (1, 150, 400):
                found = one.exchange([claim(need=need, want=4 * need)])["stack:a"]
            held.append(found.held)

    threads = [threading.Thread(target=ask) for _ in range(gateways)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(held) == gateways
    assert sum(held) <= 1_000


HOLDER = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from tetrad.gateway.limiting.purse import Claim
from tetrad.gateway.limiting.spending import Spending
from tetrad.registry import PostgresAddress

place = PostgresAddress(sys.argv[1]) if "://" in sys.argv[1] else Path(sys.argv[1])
claim = Claim(
    account="stack:a", limit=1_000, spent={datetime.now(UTC).date(): 200}, need=500, want=500
)
Spending(place, "production", "killed").exchange([claim])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_gateway_held_returns_and_what_it_told_stays(place: Place) -> None:
    written = str(place) if isinstance(place, Path) else place.url
    killed = subprocess.run([sys.executable, "-c", HOLDER, written], check=False)
    assert killed.returncode == -signal.SIGKILL

    with gateway(place) as one:
        found = one.exchange([claim(need=900)])["stack:a"]
        assert (found.spent_by_others, found.held_by_others, found.held) == (200, 500, 300)

        let_time_pass(place)
        found = one.exchange([claim(need=900)])["stack:a"]
        assert (found.spent_by_others, found.held_by_others, found.held) == (200, 0, 800)


def let_time_pass(place: Place) -> None:
    """As if all that is held were held for longer than it may be."""
    database = LedgerDatabase(place)
    with database.changing() as connection:
        connection.execute(update(SPENDING).values(until="2026-01-01T00:00:00.000000Z"))
    database.close()
