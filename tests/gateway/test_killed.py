"""What `kill -9` of one process of a deployment does to the others, under load."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import Asked, OpenAIServer, Reply
from gateway_processes import Registry, registry_in, serving, until, wait_for_status
from gateways import FILES, STACK, ask, parrot
from postgres import own_server
from postgres import place as place  # noqa: PLC0414 - a fixture
from postgres import postgres as postgres  # noqa: PLC0414 - a fixture
from sqlalchemy import func, select, update
from streaming_server import streaming

from tetrad.gateway.limiting.purse import USD, Claim
from tetrad.gateway.limiting.spending import Spending
from tetrad.model.serving import UseLimits
from tetrad.registry import Place, PostgresAddress
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.ledger_tables import SPENDING

PRICE = 1_000  # USD per million tokens
PRICED = {
    **FILES,
    "stacks/models/server.yaml": FILES["stacks/models/server.yaml"]
    + f"prices: {{input: {PRICE}, output: {PRICE}}}\n",
}
LIMITS = UseLimits(usd_per_day=1_000)


class Load:
    """Clients that ask all the time, and what they got."""

    def __init__(self, address: str, clients: int = 4) -> None:
        self.answers: list[httpx2.Response] = []
        self.lost: list[Exception] = []
        self._address = address
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    @property
    def answered(self) -> list[httpx2.Response]:
        return [answer for answer in self.answers if answer.status_code == 200]

    def wait_for_more(self, number: int = 20) -> None:
        enough = len(self.answered) + number
        until(lambda: len(self.answered) >= enough)

    @property
    def cost(self) -> int:
        """Of all answers, in billionths of a USD."""
        used = [answer.json()["usage"] for answer in self.answered]
        tokens = sum(one["input_tokens"] + one["output_tokens"] for one in used)
        cost: int = tokens * PRICE * USD // 1_000_000
        return cost

    def _ask(self) -> None:
        while not self._is_over.is_set():
            try:
                self.answers.append(ask(self._address))
            except httpx2.HTTPError as error:
                self.lost.append(error)
            time.sleep(0.02)


def spent(place: Place) -> int:
    """What the registry knows of, in billionths of a USD, over all days and gateways."""
    database = LedgerDatabase(place)
    with database.changing() as connection:
        total = connection.execute(
            select(func.sum(SPENDING.c.spent)).where(SPENDING.c.account == f"stack {STACK}")
        ).scalar_one_or_none()
    database.close()
    return int(total or 0)


@pytest.mark.campaign
def test_a_registry_that_is_killed_costs_nothing_twice(
    upstream: OpenAIServer, tmp_path: Path
) -> None:
    with own_server() as database:
        place = PostgresAddress(database.url)
        registry = registry_in(tmp_path, place, database.url)
        registry.deploy(registry.take("one", PRICED), limits=LIMITS)
        with serving(registry, upstream.url) as (process, address):
            wait_for_status(address, 200)
            load = Load(address)
            load.wait_for_more()
            database.kill()
            wait_for_status(address, 503)
            problem = httpx2.get(f"{address}/readyz").json()["problem"]
            standing = httpx2.get(f"{address}/identity").json()
            database.start()
            wait_for_status(address, 200)
            load.wait_for_more()
            load.end()
            until(lambda: spent(place) >= load.cost)
            process.send_signal(signal.SIGTERM)
            code = process.wait(60)
        charged = spent(place)

    assert "no answer from the registry for 10 s" in problem
    assert standing["number"] == 1
    assert load.lost == []
    refused = Counter(
        answer.json()["error"]["code"] for answer in load.answers if answer.status_code != 200
    )
    assert set(refused) == {"spending_unknown"}
    assert (charged, code) == (load.cost, 0)


@pytest.fixture
def registry(place: Place, tmp_path: Path) -> Registry:
    if isinstance(place, Path):
        return registry_in(tmp_path)
    return registry_in(tmp_path, place, place.url)


def test_what_a_killed_gateway_had_reserved_is_free_again(registry: Registry) -> None:
    """It was asked, and had answered nothing: that costs nothing, and what it held comes back."""
    go = threading.Event()

    def answer(asked: Asked) -> Reply:
        if asked.body["messages"][-1]["content"] == "Say held":
            go.wait(60)
        return parrot(asked)

    lost: list[Exception] = []

    def hold(address: str) -> None:
        try:
            ask(address, "held")
        except httpx2.HTTPError as error:
            lost.append(error)

    with OpenAIServer(answer=answer) as upstream:
        registry.deploy(registry.take("one", PRICED), limits=LIMITS)
        with serving(registry, upstream.url) as (process, address):
            wait_for_status(address, 200)
            before = len(upstream.asked)
            asking = threading.Thread(target=hold, args=(address,))
            asking.start()
            until(lambda: len(upstream.asked) > before)
            process.kill()
            asking.join()
        go.set()

    assert len(lost) == 1
    with Spending(registry.place, "local", "another") as other:
        held = other.exchange([everything()])[f"stack {STACK}"]
        assert (held.spent_by_others, held.held_by_others > 0) == (0, True)
        let_time_pass(registry.place)
        held = other.exchange([everything()])[f"stack {STACK}"]
        assert (held.spent_by_others, held.held_by_others) == (0, 0)
        assert held.held == 1_000 * USD


def everything() -> Claim:
    most = 1_000 * USD
    none: dict[date, int] = {}
    return Claim(account=f"stack {STACK}", limit=most, spent=none, need=most, want=most)


def let_time_pass(place: Place) -> None:
    """As if all that is held were held for longer than it may be."""
    database = LedgerDatabase(place)
    with database.changing() as connection:
        connection.execute(update(SPENDING).values(until="2026-01-01T00:00:00.000000Z"))
    database.close()


@pytest.mark.parametrize(
    ("path", "body", "last"),
    [
        (
            "chat/completions",
            {"model": "echo", "messages": [{"role": "user", "content": "hello"}]},
            "data: ",
        ),
        ("stacks/echo/answer", {"variables": {"message": "hello"}}, "event: error\ndata: "),
    ],
)
def test_a_model_server_that_is_killed_ends_its_streams_with_an_error(
    tmp_path: Path, path: str, body: dict[str, Any], last: str
) -> None:
    registry = registry_in(tmp_path)
    registry.deploy(registry.take("one"))
    with streaming() as (model, url), serving(registry, url) as (_, address):
        wait_for_status(address, 200)
        with httpx2.stream(
            "POST", f"{address}/v1/{path}", json={**body, "stream": True}, timeout=30
        ) as response:
            pieces = response.iter_text()
            said = next(pieces)
            while said.count("word") < 3:
                said += next(pieces)
            model.kill()
            said += "".join(pieces)
        again = ask(address)

    assert response.status_code == 200
    event = last_event(said)
    assert event.startswith(last)
    assert '"code":"upstream_failed"' in event
    assert "[DONE]" not in said
    assert (again.status_code, again.json()["error"]["code"]) == (502, "upstream_failed")


def last_event(said: str) -> str:
    return said.strip().split("\n\n")[-1]
