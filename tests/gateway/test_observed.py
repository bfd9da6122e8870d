"""What a gateway tells of its requests over HTTP: metrics as Prometheus reads them, spans as OTLP takes them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import OpenAIServer, Reply
from gateways import FILES, Followed, Served, alone, ask, gateway
from otlp import Collector, attributes, collector
from prometheus_client.parser import text_string_to_metric_families
from telemetry.counted import counted, read

from tetrad.model.serving import FixedAnswer, Serving, UseLimits
from tetrad.telemetry.content import SETTING
from tetrad.telemetry.exporting import tracing_from

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
GUARDED = {
    **FILES,
    "stacks/echo.yaml": FILES["stacks/echo.yaml"]
    + "guardrails: {max_input_chars: 200, block_pii_in_output: true}\n",
}
LABELLED = {
    **FILES,
    "prompts/echo.yaml": FILES["prompts/echo.yaml"] + "output: {enum: ['one: yes', 'one: no']}\n",
}


@contextmanager
def traced(
    followed: Followed, served: Served, cache: Path, monkeypatch: pytest.MonkeyPatch, **more: str
) -> Iterator[tuple[str, Collector]]:
    """A gateway that sends spans; all have come when it has ended."""
    with collector() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": received.url, **more}
        tracing = tracing_from(variables, environment="local", release="test", instance="one")
        with gateway(followed, served.snapshots, cache, tracing=tracing) as address:
            yield address, received


def chat(address: str, message: str = "hello", **more: Any) -> httpx2.Response:
    body = {"model": "echo", "messages": [{"role": "user", "content": message}], **more}
    headers = {"traceparent": CALLER}
    return httpx2.post(f"{address}/v1/chat/completions", json=body, headers=headers, timeout=60)


@pytest.mark.parametrize("stream", [False, True])
def test_every_step_of_a_chat_is_a_span_of_the_callers_trace(
    upstream: OpenAIServer, served: Served, followed: Followed, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, stream: bool,
) -> None:  # fmt: skip
    with traced(followed, served, tmp_path / "cache", monkeypatch) as (address, received):
        followed.move(echo=alone(served.take("one")))
        followed.wait_for(1)
        answer = chat(address, "I am anna", stream=stream)

    assert answer.headers["x-tetrad-trace"] == CALLER.split("-")[1]
    spans = {span.name: span for span in received.spans}
    assert spans.keys() == {
        "POST /v1/chat/completions", "invoke_workflow stacks/echo", "render prompts/echo",
        "chat parrot-2026-01-01",
    }  # fmt: skip
    assert {span.trace_id.hex() for span in spans.values()} == {CALLER.split("-")[1]}
    assert spans["POST /v1/chat/completions"].parent_span_id.hex() == CALLER.split("-")[2]
    for span in spans.values():
        found = attributes(span)
        assert found["tetrad.identity"] == served.names["one"]
        assert found["deployment.environment.name"] == "local"
        assert "anna" not in repr(found)
    asked = attributes(spans["chat parrot-2026-01-01"])
    assert asked["gen_ai.provider.name"] == "openai"
    assert asked["gen_ai.usage.output_tokens"] > 0
    assert asked["gen_ai.request.max_tokens"] == 64
    assert ("gen_ai.response.time_to_first_chunk" in asked) is stream
    whole = attributes(spans["invoke_workflow stacks/echo"])
    assert (whole["gen_ai.request.stream"], whole["tetrad.outcome"]) == (stream, "answered")


def test_what_guardrails_stop_is_a_span_with_their_rule(
    upstream: OpenAIServer, served: Served, followed: Followed, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with traced(followed, served, tmp_path / "cache", monkeypatch) as (address, received):
        followed.move(echo=alone(served.take("one", GUARDED)))
        followed.wait_for(1)
        ask(address, "mail anna@example.com")

    guards = [attributes(span) for span in received.spans if span.name.startswith("guardrail ")]
    assert ["block_pii_in_output"] in [found.get("tetrad.guardrail.hits") for found in guards]


def test_what_was_said_is_sent_redacted_where_it_is_asked_for(
    upstream: OpenAIServer, served: Served, followed: Followed, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asking = traced(followed, served, tmp_path / "cache", monkeypatch, **{SETTING: "true"})
    with asking as (address, received):
        followed.move(echo=alone(served.take("one")))
        followed.wait_for(1)
        ask(address, "mail anna@example.com")

    (asked,) = [attributes(s) for s in received.spans if s.name == "chat parrot-2026-01-01"]
    (answer,) = json.loads(asked["gen_ai.output.messages"])
    assert answer["parts"][0]["content"] == "one: mail [mail address]"
    assert "anna" not in repr([attributes(span) for span in received.spans])


def test_a_failing_upstream_is_an_error_of_every_span_above_it(
    served: Served, followed: Followed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies = (Reply(text="ready"), Reply(status=400, error={"message": "no such model"}))
    with OpenAIServer(*replies) as upstream:
        monkeypatch.setenv("UPSTREAM", upstream.url)
        with traced(followed, served, tmp_path / "cache", monkeypatch) as (address, received):
            followed.move(echo=alone(served.take("one")))
            followed.wait_for(1)
            answer = ask(address)

    assert answer.status_code == 502
    failed = {span.name for span in received.spans if "error.type" in attributes(span)}
    assert failed == {
        "POST /v1/stacks/{stack}/answer", "invoke_workflow stacks/echo", "chat parrot-2026-01-01",
    }  # fmt: skip


def roots(received: Collector) -> list[dict[str, Any]]:
    """What the spans of requests say, in order."""
    found = [span for span in received.spans if span.name.startswith("POST ")]
    return [attributes(span) for span in sorted(found, key=lambda span: span.start_time_unix_nano)]


@pytest.mark.parametrize(
    ("serving", "said"),
    [
        (Serving(limits=UseLimits(requests_per_minute=1)), {"tetrad.outcome": "limited"}),
        (Serving(cache_s=60), {"tetrad.outcome": "answered", "tetrad.cache": "hit"}),
    ],
)
def test_a_request_that_no_model_answers_names_the_identity_as_well(
    upstream: OpenAIServer, served: Served, followed: Followed, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, serving: Serving, said: dict[str, Any],
) -> None:  # fmt: skip
    with traced(followed, served, tmp_path / "cache", monkeypatch) as (address, received):
        followed.move(echo=replace(alone(served.take("one")), serving=serving))
        followed.wait_for(1)
        ask(address)
        ask(address)

    _, second = roots(received)
    assert second["tetrad.identity"] == served.names["one"]
    assert {name: second.get(name) for name in said} == said


def test_a_fallback_is_told_from_an_answer(
    served: Served, followed: Followed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies = (Reply(text="ready"), Reply(status=400, error={"message": "no such model"}))
    serving = Serving(fallback=FixedAnswer(answer="Later."))
    with OpenAIServer(*replies) as upstream:
        monkeypatch.setenv("UPSTREAM", upstream.url)
        with traced(followed, served, tmp_path / "cache", monkeypatch) as (address, received):
            followed.move(echo=replace(alone(served.take("one")), serving=serving))
            followed.wait_for(1)
            answer = ask(address)
            counted_ = metrics_of(address)

    assert answer.json()["answer"] == "Later."
    (root,) = roots(received)
    assert (root["tetrad.outcome"], root["tetrad.fallback"]) == ("answered", "fixed")
    (fallbacks,) = counted_["tetrad_fallbacks_total"].values()
    assert fallbacks == 1


def metrics_of(address: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Every sample, by its name and by the values of its labels but those of the model."""
    text = httpx2.get(f"{address}/metrics", timeout=30).text
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = (v for k, v in sorted(sample.labels.items()) if not k.startswith("gen_ai_"))
            found.setdefault(sample.name, {})[tuple(labels)] = sample.value
    return found


def test_requests_are_counted_by_stack_identity_and_outcome(
    address: str, served: Served, followed: Followed
) -> None:
    followed.move(echo=alone(served.take("one", LABELLED)))
    followed.wait_for(1)
    ask(address, "yes")
    ask(address, "perhaps")
    httpx2.post(f"{address}/v1/stacks/echo/answer", json={"variables": {"mesage": ""}}, timeout=30)

    found = metrics_of(address)

    who = ("local", served.names["one"].removeprefix("tetrad:")[:12])
    stack = "stacks/echo"
    assert found["tetrad_requests_total"] == {
        (*who, "answered", stack): 2, (*who, "refused", stack): 1,
    }  # fmt: skip
    assert found["tetrad_contract_failures_total"] == {(*who, stack): 1}
    assert found["gen_ai_server_request_duration_seconds_count"] == {(*who, stack): 3}
    assert found["gen_ai_client_operation_duration_seconds_count"] == {(*who, stack): 2}
    assert found["tetrad_identity_state"] == {(*who, stack, "live"): 1}
    assert found["tetrad_pointer_number"] == {("local",): 1}
    assert found["tetrad_gateway_ready"] == {("local",): 1}
    assert found["tetrad_requests_in_flight"] == {(*who, stack): 0}


def test_an_identity_that_is_gone_leaves_no_series(
    address: str, served: Served, followed: Followed
) -> None:
    for number, version in enumerate(("one", "two", "three"), 1):
        followed.move(echo=alone(served.take(version)))
        followed.wait_for(number)
        ask(address)
        metrics_of(address)

    found = metrics_of(address)

    assert len(found["tetrad_requests_total"]) == 1
    assert len(found["tetrad_identity_state"]) == 1


def test_a_gateway_shows_no_metric_that_is_not_documented(
    address: str, served: Served, followed: Followed
) -> None:
    followed.move(echo=alone(served.take("one")))
    followed.wait_for(1)
    ask(address)

    documented = {sample.name for family in read(counted()).values() for sample in family.samples}
    assert {name for name in metrics_of(address) if name not in documented} == set()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say_of_what_is_scraped(
    address: str, served: Served, followed: Followed
) -> None:
    followed.move(echo=alone(served.take("one")))
    followed.wait_for(1)
    ask(address)
    scraped = httpx2.get(f"{address}/metrics", timeout=30)

    done = subprocess.run(
        ["promtool", "check", "metrics"], input=scraped.content, capture_output=True, check=False
    )

    assert scraped.headers["content-type"].startswith("text/plain; version=")
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
