"""Metrics as Prometheus reads them."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from telemetry.counted import LEFT, LIVE, NEXT, WARM, answer, counted, pointer, read, values, who

from tetrad.canonical import digest_of
from tetrad.identity import short
from tetrad.results.exchange import ToolCall
from tetrad.results.trace import Called, Trace
from tetrad.telemetry.metrics import Metrics

LABELS = {
    "environment", "stack", "identity", "outcome", "rule", "kind", "limit", "tool", "rating",
    "release", "state", "upstream", "le", "gen_ai_operation_name", "gen_ai_provider_name",
    "gen_ai_request_model", "gen_ai_token_type",
}  # fmt: skip


def test_what_happened_is_counted_once_and_by_identity() -> None:
    metrics = counted()
    live, new = short(LIVE), short(NEXT)

    assert values(metrics, "tetrad_requests_total") == {(live, "answered"): 1, (new, "failed"): 1}
    assert values(metrics, "tetrad_cost_usd_total") == {(live,): 0.002}
    assert values(metrics, "tetrad_contract_failures_total") == {(live,): 1}
    assert values(metrics, "tetrad_guardrail_hits_total") == {(live, "block_pii_in_output"): 1}
    assert values(metrics, "tetrad_tool_calls_total") == {
        (live, "error", "order_status"): 1, (live, "ok", "order_status"): 1,
    }  # fmt: skip
    assert values(metrics, "tetrad_limited_requests_total") == {("requests_per_minute",): 1}
    assert values(metrics, "tetrad_fallbacks_total") == {(live, "previous"): 1}
    assert values(metrics, "tetrad_feedback_total") == {(live, "bad"): 1}


def test_times_and_tokens_are_by_the_conventions() -> None:
    metrics = counted()
    live = short(LIVE)

    duration = values(metrics, "gen_ai_server_request_duration_seconds_bucket")
    assert duration[live, "0.64"] == 0
    assert duration[live, "1.28"] == 1
    assert values(metrics, "gen_ai_server_time_to_first_token_seconds_sum") == {(live,): 0.15}
    assert values(metrics, "gen_ai_client_operation_duration_seconds_sum") == {(live,): 0.4}
    assert values(metrics, "gen_ai_client_token_usage_sum") == {
        ("input", live): 90, ("output", live): 12,
    }  # fmt: skip


def test_the_pointer_is_shown_with_every_identity_in_its_state() -> None:
    metrics = counted()

    assert values(metrics, "tetrad_pointer_number") == {(): 7}
    assert values(metrics, "tetrad_gateway_ready") == {(): 1}
    assert set(values(metrics, "tetrad_identity_state")) == {
        (short(LIVE), "live"), (short(NEXT), "rolling out"), (short(WARM), "warm"),
        (short(LEFT), "withdrawn"),
    }  # fmt: skip
    shares = values(metrics, "tetrad_identity_share")
    assert (shares[(short(LIVE),)], shares[(short(NEXT),)]) == (0.75, 0.25)


def test_labels_are_of_a_fixed_list() -> None:
    found = {
        label
        for family in read(counted()).values()
        if family.name.startswith(("tetrad_", "gen_ai_"))
        for sample in family.samples
        for label in sample.labels
    }

    assert found == LABELS


def test_an_identity_that_is_unloaded_leaves_no_series() -> None:
    metrics = Metrics(environment="production", release="1.0")
    for number in range(200):
        identity = digest_of(number)
        metrics.follow(pointer(number, live=identity), ready=True)
        metrics.in_flight(who(identity), 1)
        metrics.answered(who(identity), outcome="answered", seconds=0.1, trace=answer())
        metrics.in_flight(who(identity), 0)

    assert len(values(metrics, "tetrad_requests_total")) <= 2
    assert len(values(metrics, "gen_ai_client_token_usage_sum")) <= 4
    assert len(values(metrics, "tetrad_identity_state")) == 4


def test_an_identity_that_still_answers_is_not_forgotten() -> None:
    metrics = Metrics(environment="production", release="1.0")
    old = digest_of("old")
    metrics.in_flight(who(old), 1)

    metrics.follow(pointer(), ready=True)

    assert values(metrics, "tetrad_requests_in_flight") == {(short(old),): 1}
    metrics.in_flight(who(old), 0)
    metrics.follow(pointer(), ready=True)
    assert values(metrics, "tetrad_requests_in_flight") == {}


def test_a_tool_that_a_model_makes_up_is_no_label() -> None:
    metrics = Metrics(environment="production", release="1.0")
    for number in range(50):
        call = ToolCall(id="1", name=f"made_up_{number}", arguments={})
        trace = Trace(vars={}, steps=(Called(call=call, error="no such tool"),), output="")
        metrics.answered(who(), outcome="answered", seconds=0.1, trace=trace)

    assert values(metrics, "tetrad_tool_calls_total") == {(short(LIVE), "error", "unknown"): 50}


def test_whatever_was_counted_of_an_identity_is_forgotten() -> None:
    metrics = Metrics(environment="production", release="1.0")
    for number in range(10):
        gone = who(digest_of(number))
        metrics.rated(gone, "bad")
        metrics.fell_back(gone, "previous")
        metrics.reused(gone)
    metrics.follow(pointer(), ready=True)

    for name in ("feedback", "fallbacks", "reused_answers"):
        assert values(metrics, f"tetrad_{name}_total") == {}


def test_a_gateway_without_a_pointer_is_not_ready() -> None:
    metrics = Metrics(environment="production", release="1.0")
    metrics.follow(None, ready=False)

    assert values(metrics, "tetrad_gateway_ready") == {(): 0}
    assert values(metrics, "tetrad_pointer_number") == {(): 0}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say_of_them() -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=counted().exposition(), capture_output=True,
        check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
