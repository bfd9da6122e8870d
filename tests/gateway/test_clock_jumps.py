"""The clock of the registry's database is set ahead and back while a gateway serves."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx2
import psycopg
import pytest
from fakes import Asked, OpenAIServer, Reply
from gateway_processes import until
from gateways import FILES, STACK, Served, alone, ask, gateway, parrot
from postgres import schema
from sqlalchemy import make_url, select

from tetrad.gateway.limiting.purse import USD
from tetrad.gateway.limiting.spending import Spending
from tetrad.model.serving import Serving, UseLimits
from tetrad.pointer import Deployers, Pointer, PointerChange, seal_pointer
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import PostgresAddress
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.ledger_tables import SPENDING

PRICE = 1_000  # USD per million tokens
PRICED = {
    **FILES,
    "stacks/models/server.yaml": FILES["stacks/models/server.yaml"]
    + f"prices: {{input: {PRICE}, output: {PRICE}}}\n",
}


@dataclass
class Shifted:
    """A registry whose database has a clock that can be set: its schema hides the true one."""

    url: str
    schema: str

    @property
    def place(self) -> PostgresAddress:
        first = {"options": f"-csearch_path={self.schema},pg_catalog"}
        url = make_url(self.url).update_query_dict(first)
        return PostgresAddress(url.render_as_string(hide_password=False))

    def set(self, seconds: float) -> None:
        """So far from the true time."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                f"CREATE OR REPLACE FUNCTION {self.schema}.clock_timestamp() RETURNS timestamptz"
                f" AS $$SELECT pg_catalog.clock_timestamp() + interval '{seconds} s'$$"
                " LANGUAGE sql VOLATILE"
            )

    def now(self) -> datetime:
        with PointerStore(self.place, Deployers(environment="local")) as store:
            return store.now()

    def spent(self) -> dict[date, int]:
        """In billionths of a USD, by days."""
        database = LedgerDatabase(self.place)
        with database.reading() as connection:
            rows = connection.execute(select(SPENDING.c.day, SPENDING.c.spent)).all()
        database.close()
        return {date.fromisoformat(row.day): int(row.spent) for row in rows if row.spent}


@pytest.fixture
def shifted(postgres: str) -> Iterator[Shifted]:
    with schema(postgres) as url:
        found = Shifted(url, str(make_url(url).query["options"]).rpartition("=")[2])
        found.set(0)
        yield found


def cost(answer: httpx2.Response) -> int:
    used = answer.json()["usage"]
    tokens: int = used["input_tokens"] + used["output_tokens"]
    return tokens * PRICE * USD // 1_000_000


def late(asked: Asked) -> Reply:
    is_late = asked.body["messages"][-1]["content"] == "Say late"
    return Reply(text="late", delay_s=3) if is_late else parrot(asked)


def test_a_request_is_charged_to_the_day_on_which_it_was_reserved(
    monkeypatch: pytest.MonkeyPatch, served: Served, shifted: Shifted, tmp_path: Path
) -> None:
    """The day ends while a request is answered, and comes back while another is."""
    limits = UseLimits(usd_per_day=1_000)
    with (
        OpenAIServer(answer=late) as server,
        PointerStore(shifted.place, Deployers(environment="local")) as store,
        Spending(shifted.place, "local", "g1") as spending,
        gateway(store, served.snapshots, tmp_path / "cache", spending=spending) as address,
        ThreadPoolExecutor(1) as pool,
    ):
        monkeypatch.setenv("UPSTREAM", server.url)
        stack = replace(alone(served.take("one", PRICED)), serving=Serving(limits=limits))
        pointer = Pointer(
            environment="local",
            number=1,
            at=store.now(),
            commit="0" * 40,
            change=PointerChange(kind="deploy", stacks=(STACK,)),
            stacks={STACK: stack},
        )
        store.append(seal_pointer(pointer))
        until(lambda: httpx2.get(f"{address}/readyz").status_code == 200)
        today = shifted.now().date()
        spent = {today: 0, today + timedelta(days=1): 0}

        for day, jump_s in zip(spent, (86_400, 0), strict=True):
            before, during = len(server.asked), pool.submit(ask, address, "late")
            until(lambda seen=before: len(server.asked) > seen)  # type: ignore[misc]
            shifted.set(jump_s)
            spent[day] += cost(during.result())
            until(lambda: shifted.spent() == {d: usd for d, usd in spent.items() if usd})
            spent[shifted.now().date()] += cost(ask(address))
            until(lambda: shifted.spent() == spent)

        shifted.set(-3_600)
        assert ask(address).status_code == 200
        until(lambda: [one.ready for one in store.gateways()] == [True])
        assert store.lost_gateways() == ()
