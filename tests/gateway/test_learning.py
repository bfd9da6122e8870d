"""What users say of an answer is kept with it, and so is the declared sample."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import OpenAIServer
from gateways import Followed, Served, alone, ask, gateway
from otlp import attributes, collector

from tetrad.canonical import digest_bytes
from tetrad.model.serving import Access, Client, Serving
from tetrad.telemetry.exporting import tracing_from
from tetrad.traffic.traffic_store import Traffic


@pytest.fixture
def traffic(tmp_path: Path) -> Iterator[Traffic]:
    with Traffic.open(tmp_path / "registry.db") as opened:
        yield opened


@pytest.fixture
def kept(
    upstream: OpenAIServer, served: Served, followed: Followed, traffic: Traffic, tmp_path: Path
) -> Iterator[str]:
    """A gateway that keeps what is said, and serves one version."""
    with gateway(followed, served.snapshots, tmp_path / "cache", traffic=traffic) as address:
        followed.move(echo=alone(served.take("one")))
        followed.wait_for(1)
        yield address


def say(address: str, **body: Any) -> httpx2.Response:
    return httpx2.post(f"{address}/v1/feedback", json=body, timeout=30)


def test_what_is_said_of_an_answer_is_kept_with_it(
    kept: str, served: Served, traffic: Traffic
) -> None:
    trace = ask(kept, "call me at anna@example.com").json()["trace"]

    said = say(kept, trace=trace, rating="bad", comment="I am anna@example.com", correction="hi")

    (feedback,), (answer,) = traffic.feedback(), traffic.answers()
    assert said.status_code == 201
    assert (feedback.id, feedback.rating, feedback.correction) == (said.json()["id"], "bad", "hi")
    assert (answer.trace, answer.stack, answer.sampled) == (trace, "stacks/echo", False)
    assert "anna" not in feedback.comment
    assert "anna" not in answer.answer.output


def test_what_another_gateway_answered_can_be_spoken_of(
    kept: str,
    served: Served,
    followed: Followed,
    traffic: Traffic,
    tmp_path: Path,
) -> None:
    trace = ask(kept).json()["trace"]
    say(kept, trace=trace, rating="bad")
    with gateway(followed, served.snapshots, tmp_path / "cache", traffic=traffic) as other:
        said = say(other, trace=trace, rating="good")

    assert said.status_code == 201
    assert [feedback.rating for feedback in traffic.feedback()] == ["bad", "good"]


def test_of_several_answers_of_a_trace_the_last_is_spoken_of(kept: str, traffic: Traffic) -> None:
    caller = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    for message in ("first", "second"):
        body = {"variables": {"message": message}}
        httpx2.post(f"{kept}/v1/stacks/echo/answer", json=body, headers=caller, timeout=60)

    say(kept, trace="a" * 32, rating="bad")

    (answer,), (feedback,) = traffic.answers(), traffic.feedback()
    assert answer.answer.output == "one: second"
    assert feedback.answer == answer.id


def test_nobody_speaks_of_another_tenants_answer(
    upstream: OpenAIServer, served: Served, followed: Followed, traffic: Traffic, tmp_path: Path
) -> None:
    keys = {name: f"key-of-{name}-{'x' * 24}" for name in ("web", "app")}
    clients = {
        name: Client(tenant=name, keys=(digest_bytes(key.encode()),)) for name, key in keys.items()
    }
    with gateway(followed, served.snapshots, tmp_path / "cache", traffic=traffic) as address:
        followed.move(access=Access(clients=clients), echo=alone(served.take("one")))
        followed.wait_for(1)
        web, app = ({"Authorization": f"Bearer {key}"} for key in keys.values())
        asked = httpx2.post(
            f"{address}/v1/stacks/echo/answer", json={"variables": {"message": "hi"}},
            headers=web, timeout=60,
        )  # fmt: skip
        body = {"trace": asked.json()["trace"], "rating": "bad"}
        statuses = [
            httpx2.post(f"{address}/v1/feedback", json=body, headers=who, timeout=30).status_code
            for who in (app, {}, web)
        ]

    assert statuses == [404, 401, 201]
    assert [feedback.tenant for feedback in traffic.feedback()] == ["web"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"trace": "0" * 32, "rating": "good"}, 404),
        ({"trace": "0", "rating": "good"}, 400),
        ({"trace": "0" * 32}, 400),
        ({"trace": "0" * 32, "rating": "fine"}, 400),
        ({"trace": "0" * 32, "rating": "good", "comment": 1}, 400),
        ({"trace": "0" * 32, "rating": "good", "coment": "a"}, 400),
    ],
)
def test_what_cannot_be_kept_is_refused(kept: str, body: dict[str, Any], status: int) -> None:
    assert say(kept, **body).status_code == status


def test_the_declared_sample_is_kept(
    kept: str, served: Served, followed: Followed, traffic: Traffic
) -> None:
    one = served.take("one")
    pointer = followed.move(echo=replace(alone(one), serving=Serving(sample=1.0)))
    followed.wait_for(pointer.number)

    traces = {ask(kept, text).json()["trace"] for text in ("a", "b")}
    until = time.monotonic() + 20
    while len(list(traffic.answers(sampled=True))) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)

    assert {answer.trace for answer in traffic.answers(sampled=True)} == traces


def test_the_spans_of_an_answer_name_who_gave_it(
    upstream: OpenAIServer,
    served: Served,
    followed: Followed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with collector() as collected:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collected.url)
        tracing = tracing_from(
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collected.url},
            environment="local",
            release="test",
            instance="one",
        )
        with gateway(followed, served.snapshots, tmp_path / "cache", tracing=tracing) as address:
            followed.move(echo=alone(served.take("one")))
            followed.wait_for(1)
            trace = ask(address).json()["trace"]
            httpx2.get(f"{address}/readyz")

    spans = collected.spans
    assert {span.trace_id.hex() for span in spans} == {trace}
    assert {"POST /v1/stacks/{stack}/answer", "invoke_workflow stacks/echo"} < {
        span.name for span in spans
    }
    assert {attributes(span)["tetrad.identity"] for span in spans} == {served.names["one"]}
