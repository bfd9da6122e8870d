"""A gateway's metrics after a little of everything."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tetrad.canonical import Digest, digest_of
from tetrad.model.serving import RolloutPlan, Serving
from tetrad.pointer import (
    Pointer,
    PointerChange,
    Rollout,
    ServedIdentity,
    StackPointer,
    Withdrawal,
)
from tetrad.results.exchange import Completion, Message, Request, ToolCall, Usage
from tetrad.results.trace import Called, Generated, Guarded, Trace
from tetrad.telemetry import Served
from tetrad.telemetry.metrics import Metrics

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
LIVE, NEXT, WARM, LEFT = (digest_of(f"identity {n}") for n in range(4))


def who(identity: Digest = LIVE) -> Served:
    return Served(
        stack="stacks/qa", identity=identity, model="qwen3-8b", provider="vllm", operation="chat",
        tools=frozenset({"order_status"}),
    )  # fmt: skip


def served(identity: Digest) -> ServedIdentity:
    return ServedIdentity(identity=identity, snapshot=digest_of("s"), commit="1f3c", since=AT)


def pointer(number: int = 7, *, live: Digest = LIVE) -> Pointer:
    serving = Serving(rollout=RolloutPlan(steps=(25, 100)))
    rollout = Rollout(to=served(NEXT), serving=serving, step=0, began=AT, step_began=AT)
    left = Withdrawal(identity=LEFT, at=AT, by="", reason="worse", commit="1f3c")
    stack = StackPointer(
        stack="stacks/qa", live=served(live), serving=serving, rollout=rollout,
        warm=(served(WARM), served(LEFT)), withdrawn=(left,),
    )  # fmt: skip
    return Pointer(
        environment="production", number=number, at=AT, commit="1f3c",
        change=PointerChange(kind="deploy", stacks=("stacks/qa",)), stacks={"stacks/qa": stack},
    )  # fmt: skip


def answer() -> Trace:
    request = Request(messages=(Message(role="user", content="hello"),))
    usage = Usage(input_tokens=90, output_tokens=12)
    completion = Completion(text="hi", usage=usage, latency_s=0.4, first_token_s=0.1)
    call = ToolCall(id="1", name="order_status", arguments={})
    return Trace(
        vars={},
        steps=(
            Generated(request=request, completion=completion),
            Called(call=call, error="timeout"),
            Called(call=call, result=1),
            Guarded(rule="output.enum", detail="not a label"),
            Guarded(rule="output.enum", detail="not a label"),
            Guarded(rule="block_pii_in_output", detail="a mail address"),
        ),
        output="hi",
    )


def counted() -> Metrics:
    """Metrics in which each has a value."""
    metrics = Metrics(environment="production", release="1.0")
    metrics.follow(pointer(), ready=True)
    metrics.in_flight(who(), 3)
    metrics.answered(
        who(), outcome="answered", seconds=0.7, trace=answer(), first_token_s=0.15, cost_usd=0.002
    )
    metrics.answered(who(NEXT), outcome="failed", seconds=1.5)
    metrics.limited("stacks/qa", "requests_per_minute")
    metrics.fell_back(who(), "previous")
    metrics.reused(who())
    metrics.rated(who(), "bad")
    metrics.waiting("stacks/qa", 2)
    metrics.spent("stacks/qa", usd=12.5, limit_usd=50)
    metrics.circuit("qwen3-8b", is_open=False)
    metrics.heard_from_registry(1_796_040_000.0)
    return metrics


def read(metrics: Metrics) -> dict[str, Metric]:
    """What Prometheus reads, by the name of each metric."""
    text = metrics.exposition().decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def values(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The samples of one name, by the values of their labels that differ, sorted by label."""
    constant = {"production", "stacks/qa", "chat", "vllm", "qwen3-8b"}
    return {
        tuple(value for value in sample.labels.values() if value not in constant): sample.value
        for family in read(metrics).values()
        for sample in family.samples
        if sample.name == name
    }
