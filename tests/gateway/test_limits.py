"""What clients of a gateway see of its limits, over HTTP."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import Asked, OpenAIServer, Reply
from gateways import (
    FILES,
    STACK,
    Followed,
    Served,
    alone,
    ask,
    bearer,
    clients,
    digest,
    gateway,
    parrot,
    rolling,
)

from tetrad.gateway.limiting.spending import Spending
from tetrad.model.serving import (
    Access,
    Client,
    Fallback,
    FixedAnswer,
    OtherStack,
    Queue,
    Retain,
    Serving,
    UseLimits,
)
from tetrad.pointer import StackPointer
from tetrad.registry import Place

PRICED = {
    **FILES,
    "stacks/models/server.yaml": FILES["stacks/models/server.yaml"]
    + "prices: {input: 1000, output: 1000}\n",
}


def serving(served: Served, version: str = "one", **how: Any) -> StackPointer:
    return replace(alone(served.take(version, PRICED)), serving=Serving(**how))


def post(address: str, message: str = "hello", key: str | None = None) -> httpx2.Response:
    return httpx2.post(
        f"{address}/v1/stacks/echo/answer",
        json={"variables": {"message": message}},
        headers={} if key is None else bearer(key),
        timeout=60,
    )


def test_a_key_is_asked_for_once_an_environment_names_clients(
    address: str, followed: Followed, served: Served
) -> None:
    shop = Client(tenant="shop", keys=(digest("k1"),))
    other = Client(tenant="other", keys=(digest("k2"),), stacks=("stacks/elsewhere",))
    followed.move(a=serving(served), access=clients(shop=shop, other=other))
    followed.wait_for(1)

    nobody, unknown = post(address), post(address, key="k9")
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (401, "missing_api_key")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (401, "invalid_api_key")
    assert unknown.json()["error"]["type"] == "authentication_error"
    assert unknown.headers["www-authenticate"] == "Bearer"
    assert post(address, key="k1").status_code == 200

    refused = post(address, key="k2")
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "permission_error")
    listed = httpx2.get(f"{address}/v1/models", headers=bearer("k2"))
    assert listed.json()["data"] == []
    assert httpx2.get(f"{address}/v1/models").status_code == 401
    assert httpx2.get(f"{address}/identity").status_code == 200


def test_keys_are_rotated_without_a_restart(
    address: str, followed: Followed, served: Served
) -> None:
    stack = serving(served)
    for number, (keys, welcome) in enumerate(
        [(["old"], ["old"]), (["old", "new"], ["old", "new"]), (["new"], ["new"])], start=1
    ):
        shop = Client(tenant="shop", keys=tuple(map(digest, keys)))
        followed.move(a=stack, access=clients(shop=shop))
        followed.wait_for(number)
        answers = {key: post(address, key=key).status_code for key in ("old", "new")}
        assert answers == {key: 200 if key in welcome else 401 for key in answers}


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (UseLimits(requests_per_minute=2), "the limit is 2 requests per minute"),
        (UseLimits(tokens_per_minute=500), "the limit is 500 tokens per minute"),
    ],
)
def test_limits_per_minute_refuse_with_when_to_ask_again(
    address: str, followed: Followed, served: Served, limits: UseLimits, told: str
) -> None:
    followed.move(a=serving(served, limits=limits))
    followed.wait_for(1)

    answers = [post(address, "hello " * 30) for _ in range(30)]
    refused = next(answer for answer in answers if answer.status_code != 200)

    assert answers[0].status_code == 200
    assert refused.status_code == 429
    assert f"stack {STACK}: {told}" in refused.json()["error"]["message"]
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    kind = "requests" if limits.requests_per_minute else "tokens"
    assert int(answers[0].headers[f"x-ratelimit-remaining-{kind}"]) < 500
    assert answers[0].headers[f"x-ratelimit-limit-{kind}"] in {"2", "500"}
    assert re.fullmatch(r"[\d.]+s", answers[0].headers[f"x-ratelimit-reset-{kind}"])


def test_each_client_has_limits_of_its_own(
    address: str, followed: Followed, served: Served
) -> None:
    shop = Client(tenant="shop", keys=(digest("k1"),), limits=UseLimits(requests_per_minute=1))
    desk = Client(tenant="desk", keys=(digest("k2"),), limits=UseLimits(requests_per_minute=3))
    followed.move(a=serving(served), access=clients(shop=shop, desk=desk))
    followed.wait_for(1)

    assert [post(address, key="k1").status_code for _ in range(2)] == [200, 429]
    assert [post(address, key="k2").status_code for _ in range(4)] == [200, 200, 200, 429]


@contextmanager
def slow_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[OpenAIServer, threading.Event]]:
    """Answers once it is let go."""
    go = threading.Event()

    def answer(asked: Asked) -> Reply:
        if "held" in asked.body["messages"][-1]["content"]:
            go.wait(30)
        return parrot(asked)

    with OpenAIServer(answer=answer) as server:
        monkeypatch.setenv("UPSTREAM", server.url)
        yield server, go
        go.set()


def test_a_queue_is_bounded_in_size_and_time(
    monkeypatch: pytest.MonkeyPatch, followed: Followed, served: Served, tmp_path: Path
) -> None:
    with (
        slow_server(monkeypatch) as (upstream, go),
        gateway(followed, served.snapshots, tmp_path / "cache") as address,
    ):
        how: dict[str, Any] = {
            "limits": UseLimits(concurrency=1),
            "queue": Queue(size=1, deadline_s=0.5),
        }
        followed.move(a=serving(served, **how))
        followed.wait_for(1)
        before = len(upstream.asked)
        found: dict[str, httpx2.Response] = {}

        def keep(name: str) -> threading.Thread:
            thread = threading.Thread(target=lambda: found.update({name: post(address, name)}))
            thread.start()
            return thread

        first = keep("held first")
        until(lambda: len(upstream.asked) > before)
        second = keep("second")
        second.join()
        late = found["second"]
        assert late.status_code == 429
        assert "no capacity within 0.5 s" in late.json()["error"]["message"]
        assert int(late.headers["retry-after"]) == 1

        followed.move(a=serving(served, **{**how, "queue": Queue(size=1, deadline_s=60)}))
        followed.wait_for(2)
        third = keep("third")
        line = 'requests_waiting{environment="local",stack="stacks/echo"} 1.0'
        until(lambda: line in metrics(address))
        full = post(address, "fourth")
        assert full.status_code == 429
        assert "the queue is full" in full.json()["error"]["message"]

        go.set()
        first.join()
        third.join()
        assert {name: found[name].status_code for name in ("held first", "third")} == {
            "held first": 200,
            "third": 200,
        }


@pytest.mark.parametrize(
    ("grace_s", "pause_s", "status", "says"),
    [(20, 0, 200, "one: hello"), (0.1, 1, 503, "identity_unloaded")],
)
def test_a_request_in_the_queue_keeps_its_identity_loaded(
    monkeypatch: pytest.MonkeyPatch,
    followed: Followed,
    served: Served,
    tmp_path: Path,
    grace_s: float,
    pause_s: float,
    status: int,
    says: str,
) -> None:
    """`one` has a model of its own, and is retained no longer while a request to it waits."""
    model = FILES["stacks/models/server.yaml"].replace("2026-01-01", "2026-02-02")
    one = served.take("one", {**FILES, "stacks/models/server.yaml": model})
    two = served.take("two")
    access = Access(limits=UseLimits(concurrency=1))
    both = rolling(one, two, 50)
    users = {both.chosen(str(n)).identity: str(n) for n in range(50)}
    with (
        slow_server(monkeypatch) as (upstream, go),
        gateway(followed, served.snapshots, tmp_path / "cache") as address,
        ThreadPoolExecutor(2) as pool,
    ):
        retain = Retain(grace_s=grace_s)
        followed.move(a=both, access=access, retain=retain)
        followed.wait_for(1)
        probes = len(upstream.asked)
        first = pool.submit(ask, address, "held", user=users[two.identity])
        until(lambda: len(upstream.asked) > probes)
        second = pool.submit(ask, address, user=users[one.identity])
        waiting = 'requests_waiting{environment="local",stack="stacks/echo"} 1.0'
        until(lambda: waiting in metrics(address))
        followed.move(a=alone(two), access=access, retain=retain)
        followed.wait_for(2)
        time.sleep(pause_s)
        go.set()

        assert first.result().json()["identity"] == served.names["two"]
        assert second.result().status_code == status
        assert says in second.result().text
        assert second.result().headers["x-tetrad-identity"] == served.names["one"]


def identities(address: str) -> Any:
    return httpx2.get(f"{address}/identity").json()["stacks"][STACK]


def until(is_so: Callable[[], bool]) -> None:
    """Wait for it, but not for ever."""
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def metrics(address: str) -> str:
    return httpx2.get(f"{address}/metrics").text


def test_two_gateways_spend_one_budget(
    upstream: OpenAIServer, served: Served, place: Place, tmp_path: Path
) -> None:
    """An answer costs 0.01 USD, and could cost ten times as much."""
    limit = 0.5
    pointer = serving(served, limits=UseLimits(usd_per_day=limit, warn_usd_per_day=0.2))
    with ExitStack() as stack:
        addresses = []
        for name in ("one", "two"):
            followed = Followed()
            spending = stack.enter_context(Spending(place, "local", name))
            addresses.append(
                stack.enter_context(
                    gateway(followed, served.snapshots, tmp_path / name, spending=spending)
                )
            )
            followed.move(a=pointer)
            followed.wait_for(1)
        before = len(upstream.asked)
        answers: list[httpx2.Response] = []

        def spend(address: str) -> None:
            until = time.monotonic() + 120
            while time.monotonic() < until:
                answer = post(address)
                answers.append(answer)
                if answer.headers.get("x-should-retry") == "false":
                    return
                if answer.status_code != 200:  # 503: a busy registry did not answer in time
                    time.sleep(0.5)

        threads = [threading.Thread(target=spend, args=(one,)) for one in addresses * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        given = [answer for answer in answers if answer.status_code == 200]
        assert {200, 429} <= {answer.status_code for answer in answers} <= {200, 429, 503}
        assert len(upstream.asked) - before == len(given)
        used = [answer.json()["usage"] for answer in given]
        spent = sum(one["input_tokens"] + one["output_tokens"] for one in used) / 1000
        most = 0.2  # that one request may cost
        assert limit - most < spent <= limit
        refused = [a for a in answers if a.headers.get("x-should-retry") == "false"]
        assert refused
        assert refused[0].json()["error"]["code"] == "insufficient_quota"
        assert "it is spent" in refused[0].json()["error"]["message"]
        assert int(refused[0].headers["retry-after"]) <= 86_400
        assert any("has spent" in a.headers.get("x-tetrad-budget-warning", "") for a in given)


def test_without_the_registry_nothing_is_spent_that_is_limited(
    address: str, followed: Followed, served: Served
) -> None:
    followed.move(a=serving(served, limits=UseLimits(usd_per_day=5)))
    followed.wait_for(1)
    refused = post(address)

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "spending_unknown")

    followed.move(a=serving(served, limits=UseLimits(warn_usd_per_day=5)))
    followed.wait_for(2)
    assert post(address).status_code == 200


def broken(asked: Asked) -> Reply:
    """Version `bad` cannot be answered."""
    if "parrot bad" in asked.body["messages"][0]["content"] and asked.body["max_tokens"] > 8:
        return Reply(status=500, text="broken")
    return parrot(asked)


@pytest.fixture
def failing(
    monkeypatch: pytest.MonkeyPatch, served: Served, followed: Followed, tmp_path: Path
) -> Iterator[str]:
    with (
        OpenAIServer(answer=broken) as server,
        gateway(followed, served.snapshots, tmp_path / "cache") as found,
    ):
        monkeypatch.setenv("UPSTREAM", server.url)
        yield found


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fallback", "said", "by"),
    [
        ("previous", "good: hello", "good"),
        (FixedAnswer(answer="Sorry."), "Sorry.", None),
        (None, None, "bad"),
    ],
)
def test_a_fallback_answers_and_says_so(
    failing: str,
    served: Served,
    followed: Followed,
    fallback: Fallback | None,
    said: str | None,
    by: str | None,
    stream: bool,
) -> None:
    good, bad = served.take("good"), served.take("bad")
    followed.move(a=replace(alone(bad, good), serving=Serving(fallback=fallback)))
    followed.wait_for(1)
    until(lambda: identities(failing)["warm"][0]["loaded"])

    answer = ask(failing, stream=stream)

    assert answer.headers["x-tetrad-identity"] == ("none" if by is None else served.names[by])
    if said is None:
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_failed")
        assert "x-tetrad-fallback" not in answer.headers
        return
    name = "previous" if fallback == "previous" else "fixed"
    assert answer.headers["x-tetrad-fallback"] == name
    assert said in answer.text
    assert f'"fallback":"{name}"' in answer.text
    chat = httpx2.post(
        f"{failing}/v1/chat/completions",
        json={"model": "echo", "messages": [{"role": "user", "content": "hello"}]},
        timeout=60,
    )
    assert chat.json()["choices"][0]["message"]["content"] == said
    assert chat.json()["metadata"] == {"tetrad_fallback": name}
    assert f'kind="{name}"' in metrics(failing)


@pytest.mark.parametrize("is_served", [True, False])
def test_another_stack_answers_where_the_environment_serves_it(
    failing: str, served: Served, followed: Followed, is_served: bool
) -> None:
    name = "stacks/other"
    files = {**FILES, f"{name}.yaml": FILES["stacks/echo.yaml"]}
    bad, good = served.take("bad"), served.take("good", files, name)
    echo = replace(alone(bad), serving=Serving(fallback=OtherStack(ref=name)))
    other = StackPointer(stack=name, live=good, serving=Serving())
    if is_served:
        followed.move(a=echo, b=other)
    else:
        followed.move(a=echo)
    followed.wait_for(1)

    found = post(failing)

    assert found.status_code == (200 if is_served else 502)
    if is_served:
        assert found.headers["x-tetrad-fallback"] == "stack"
        assert found.headers["x-tetrad-identity"] == served.names["good"]
        said = found.json()
        assert (said["answer"], said["stack"], said["fallback"]) == ("good: hello", name, "stack")


def test_a_dead_model_server_is_left_alone_and_found_again(
    monkeypatch: pytest.MonkeyPatch, served: Served, followed: Followed, tmp_path: Path
) -> None:
    down = threading.Event()

    def answer(asked: Asked) -> Reply:
        return Reply(status=503, text="down") if down.is_set() else parrot(asked)

    with (
        OpenAIServer(answer=answer) as server,
        gateway(followed, served.snapshots, tmp_path / "cache") as address,
    ):
        monkeypatch.setenv("UPSTREAM", server.url)
        followed.move(a=replace(serving(served), serving=Serving(fallback=FixedAnswer(answer="-"))))
        followed.wait_for(1)
        down.set()
        for _ in range(30):
            assert post(address).headers["x-tetrad-fallback"] == "fixed"
        asked = len(server.asked)
        assert asked < 2 * 30  # each is tried twice while it is asked
        assert 'circuit_open{environment="local"' in metrics(address)

        down.clear()
        until(lambda: "x-tetrad-fallback" not in post(address).headers)


def test_an_equal_request_of_the_same_client_gets_the_answer_again(
    address: str, upstream: OpenAIServer, followed: Followed, served: Served
) -> None:
    shop = Client(tenant="shop", keys=(digest("k1"),))
    desk = Client(tenant="desk", keys=(digest("k2"),))
    access = clients(shop=shop, desk=desk)
    followed.move(a=serving(served, cache_s=60), access=access)
    followed.wait_for(1)
    before = len(upstream.asked)

    first, again, other, stranger = (
        post(address, "hello", "k1"),
        post(address, "hello", "k1"),
        post(address, "bye", "k1"),
        post(address, "hello", "k2"),
    )
    followed.move(a=serving(served, "two", cache_s=60), access=access)
    followed.wait_for(2)
    asked = len(upstream.asked)
    changed = post(address, "hello", "k1")

    assert [a.headers.get("x-tetrad-cache") for a in (first, again, other, stranger, changed)] == [
        None, "hit", None, None, None,
    ]  # fmt: skip
    assert asked - before == 4  # three answers, and the probe of the second identity
    assert again.json()["answer"] == first.json()["answer"]
    assert again.json()["trace"] != first.json()["trace"]
    assert int(again.headers["age"]) < 60
    assert changed.json()["answer"] == "two: hello"
    assert changed.headers["x-tetrad-identity"] == served.names["two"]


def spent(address: str) -> float:
    """USD that the stack has cost today, as the gateway knows it."""
    line = re.search(r"^tetrad_spent_usd\{.*\} (\S+)$", metrics(address), re.MULTILINE)
    return float(line[1]) if line else 0.0


def long_winded(asked: Asked) -> Reply:
    """Streams for long, breaks off, or says nothing for a while, as it is told to."""
    said = asked.body["messages"][-1]["content"]
    if "break off" in said:
        return Reply(text="one two three four", cut_after=2)
    if "nothing" in said:
        return Reply(text="late", delay_s=30)
    return Reply(text="word " * 50_000) if "long" in said else parrot(asked)


@pytest.mark.parametrize(
    ("message", "stream", "least", "most"),
    [
        ("be long", True, 0.001, 20),  # a part of 50,000 tokens
        ("break off", True, 0.002, 0.06),  # two words, and a guess at the prompt
        ("say nothing", False, 0.064, 0.2),  # max_tokens, and at most the prompt's bytes
    ],
)
def test_what_was_used_is_charged_where_an_answer_does_not_end(
    monkeypatch: pytest.MonkeyPatch,
    served: Served,
    followed: Followed,
    tmp_path: Path,
    message: str,
    stream: bool,
    least: float,
    most: float,
) -> None:
    with (
        OpenAIServer(answer=long_winded) as server,
        Spending(tmp_path / "registry.db", "local", "one") as spending,
        gateway(followed, served.snapshots, tmp_path / "cache", spending=spending) as address,
    ):
        monkeypatch.setenv("UPSTREAM", server.url)
        followed.move(a=serving(served, limits=UseLimits(usd_per_day=1_000)))
        followed.wait_for(1)
        body = {"variables": {"message": message}, "stream": stream}
        before = len(server.asked)
        with (
            suppress(httpx2.HTTPError),  # it leaves as soon as something has come, or in a while
            httpx2.stream(
                "POST", f"{address}/v1/stacks/echo/answer", json=body, timeout=2
            ) as response,
        ):
            pieces = response.iter_bytes()
            next(pieces)
            if message == "break off":
                list(pieces)
        assert len(server.asked) > before

        until(lambda: spent(address) > 0)
        assert least <= spent(address) <= most


def test_a_model_server_that_fails_now_and_then_is_still_asked(
    monkeypatch: pytest.MonkeyPatch, served: Served, followed: Followed, tmp_path: Path
) -> None:
    """Three of ten tries fail; each request has two, so that most are answered."""
    tries = itertools.count()

    def answer(asked: Asked) -> Reply:
        return Reply(status=500) if next(tries) % 10 in {2, 5, 6} else parrot(asked)

    with (
        OpenAIServer(answer=answer) as server,
        gateway(followed, served.snapshots, tmp_path / "cache") as address,
        httpx2.Client(base_url=address, timeout=60) as client,
    ):
        monkeypatch.setenv("UPSTREAM", server.url)
        followed.move(a=serving(served))
        followed.wait_for(1)
        body = {"variables": {"message": "hello"}}
        found = Counter(
            client.post("/v1/stacks/echo/answer", json=body).status_code for _ in range(100)
        )

        assert set(found) == {200, 502}
        assert found[200] > 80
        assert re.search(r"^tetrad_circuit_open\{.*\} 0.0$", metrics(address), re.MULTILINE)
