"""What a gateway counts, for Prometheus.

Labels are bounded: stacks, the identities that are loaded, and words of a fixed list. What an
identity had is dropped when it is unloaded; tenants, users and traces are no labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from tetrad.canonical import Digest
from tetrad.identity import short
from tetrad.pointer import Pointer, StackPointer
from tetrad.results.exchange import Usage
from tetrad.results.trace import Called, Generated, Guarded, Trace
from tetrad.telemetry import conventions as names
from tetrad.telemetry.conventions import in_prometheus
from tetrad.telemetry.served import Outcome, Served

CONTENT_TYPE = CONTENT_TYPE_LATEST
_OF_IDENTITY = ("environment", "stack", "identity")
MetricT = TypeVar("MetricT", Counter, Gauge, Histogram)
_OF_MODEL = tuple(map(in_prometheus, (names.OPERATION, names.PROVIDER, names.REQUEST_MODEL)))


class Metrics:
    """The metrics of one gateway."""

    def __init__(self, *, environment: str, release: str) -> None:
        self.registry = CollectorRegistry()
        self._environment = environment
        # By stack and identity, those that were touched; each by its metric and further labels.
        self._series: dict[tuple[str, str], dict[tuple[Any, tuple[str, ...]], Any]] = {}
        self._busy: set[tuple[str, str]] = set()  # with requests in flight
        disable_created_metrics()  # type: ignore[no-untyped-call] # a second series, which nobody reads
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._make_counters()
        self._make_histograms()
        self._make_gauges()
        self._info.labels(environment, release).set(1)

    # -- what happens

    def answered(
        self,
        served: Served,
        *,
        outcome: Outcome,
        seconds: float,
        trace: Trace | None = None,
        first_token_s: float | None = None,
        cost_usd: float | None = None,
    ) -> None:
        """Count a request that came to an identity, once it is over."""
        model = (served.operation, served.provider, served.model)
        self._of(served, self._requests, outcome).inc()
        self._of(served, self._server_duration, *model).observe(seconds)
        if first_token_s is not None:
            self._of(served, self._first_token, *model).observe(first_token_s)
        if cost_usd is not None:
            self._of(served, self._cost).inc(cost_usd)
        if trace is not None:
            self._count_steps(trace, served, model)

    def limited(self, stack: str, limit: str) -> None:
        """Count a request that a limit of this name refused."""
        self._limited.labels(self._environment, stack, limit).inc()

    def fell_back(self, served: Served, kind: str) -> None:
        """Count an answer that was given in place of the identity's own."""
        self._of(served, self._fallbacks, kind).inc()

    def reused(self, served: Served) -> None:
        """Count an answer from the response cache."""
        self._of(served, self._reused).inc()

    def rated(self, served: Served, rating: str) -> None:
        """Count feedback."""
        self._of(served, self._feedback, rating).inc()

    def in_flight(self, served: Served, requests: int) -> None:
        """Show how many requests an identity is answering now."""
        who = (served.stack, served.short)
        if requests:
            self._busy.add(who)
        else:
            self._busy.discard(who)
        self._of(served, self._in_flight).set(requests)

    # -- what is

    def follow(self, pointer: Pointer | None, *, ready: bool) -> None:
        """Show the pointer that is followed, and forget the identities that it does not name."""
        self._ready.labels(self._environment).set(int(ready))
        self._pointer.labels(self._environment).set(0 if pointer is None else pointer.number)
        states = {} if pointer is None else dict(_states(pointer))
        self._states.clear()
        self._shares.clear()
        for (stack, identity), (state, share) in states.items():
            self._states.labels(self._environment, stack, identity, state).set(1)
            self._shares.labels(self._environment, stack, identity).set(share)
        for stack, identity in self._series.keys() - states.keys() - self._busy:
            self._forget(stack, identity)

    def heard_from_registry(self, unix_seconds: float) -> None:
        self._heard.labels(self._environment).set(unix_seconds)

    def waiting(self, stack: str, requests: int) -> None:
        self._waiting.labels(self._environment, stack).set(requests)

    def spent(self, stack: str, *, usd: float, limit_usd: float | None) -> None:
        """Show what a stack cost today, and the most that it may."""
        self._spent.labels(self._environment, stack).set(usd)
        if limit_usd is not None:
            self._limit.labels(self._environment, stack).set(limit_usd)

    def circuit(self, upstream: str, *, is_open: bool) -> None:
        self._circuit.labels(self._environment, upstream).set(int(is_open))

    def exposition(self) -> bytes:
        """Everything, in the text format that `CONTENT_TYPE` names."""
        return generate_latest(self.registry)

    # -- within

    def _of(self, served: Served, metric: MetricT, *more: str) -> MetricT:
        """An identity's series, by its further labels: found once, which takes longer than to count."""
        series = self._series.setdefault((served.stack, served.short), {})
        found = series.get((metric, more))
        if found is None:
            found = metric.labels(self._environment, served.stack, served.short, *more)
            series[metric, more] = found
        return found

    def _count_steps(self, trace: Trace, served: Served, model: tuple[str, str, str]) -> None:
        if trace.breaches:
            self._of(served, self._contract).inc()
        for step in trace.steps:
            match step:
                case Generated(cached=False):
                    self._count_generation(step, served, model)
                case Called():
                    name = step.call.name if step.call.name in served.tools else "unknown"
                    self._of(served, self._tools, name, "error" if step.error else "ok").inc()
                case Guarded() if not step.rule.startswith("output."):
                    self._of(served, self._guards, step.rule).inc()

    def _count_generation(
        self, step: Generated, served: Served, model: tuple[str, str, str]
    ) -> None:
        if step.completion.latency_s is not None:
            self._of(served, self._client_duration, *model).observe(step.completion.latency_s)
        for kind, count in _tokens(step.completion.usage):
            self._of(served, self._tokens, *model, kind).observe(count)

    def _forget(self, stack: str, identity: str) -> None:
        del self._series[stack, identity]
        for metric in self._by_identity:
            metric.remove_by_labels({"stack": stack, "identity": identity})

    def _make_counters(self) -> None:
        self._requests = self._counter("requests", "Requests by how they ended.", "outcome")
        self._cost = self._counter("cost_usd", "What answers cost, in USD, at the model's prices.")
        self._guards = self._counter("guardrail_hits", "What guardrails stopped.", "rule")
        self._contract = self._counter(
            "contract_failures", "Answers that break the prompt's output contract."
        )
        self._fallbacks = self._counter(
            "fallbacks", "Answers in place of the identity's own.", "kind"
        )
        self._reused = self._counter("reused_answers", "Answers from the response cache.")
        self._tools = self._counter("tool_calls", "Calls of tools.", "tool", "outcome")
        self._feedback = self._counter("feedback", "What users said of answers.", "rating")
        self._by_identity: list[Counter | Gauge | Histogram] = [
            self._requests, self._cost, self._guards, self._contract, self._fallbacks,
            self._reused, self._tools, self._feedback,
        ]  # fmt: skip
        self._limited = Counter(
            "tetrad_limited_requests",
            "Requests that a limit refused.",
            ("environment", "stack", "limit"),
            registry=self.registry,
        )

    def _make_histograms(self) -> None:
        self._server_duration = self._histogram(
            in_prometheus(names.SERVER_DURATION, "seconds"),
            "From a request's arrival to its last byte.",
            names.DURATIONS,
        )
        self._first_token = self._histogram(
            in_prometheus(names.SERVER_FIRST_TOKEN, "seconds"),
            "From a request's arrival to the first token that is sent.",
            names.FIRST_TOKENS,
        )
        self._client_duration = self._histogram(
            in_prometheus(names.CLIENT_DURATION, "seconds"),
            "What the model's engine took for one generation.",
            names.DURATIONS,
        )
        self._tokens = self._histogram(
            in_prometheus(names.CLIENT_TOKENS),
            "Tokens of one generation.",
            names.TOKENS,
            in_prometheus(names.TOKEN_TYPE),
        )
        self._by_identity += [
            self._server_duration, self._first_token, self._client_duration, self._tokens,
        ]  # fmt: skip

    def _make_gauges(self) -> None:
        here, stack = ("environment",), ("environment", "stack")
        self._info = self._gauge("gateway_info", "The release of the gateway.", *here, "release")
        self._ready = self._gauge("gateway_ready", "Whether the gateway takes traffic.", *here)
        self._pointer = self._gauge("pointer_number", "The pointer that is followed.", *here)
        self._heard = self._gauge(
            "registry_heard_timestamp_seconds", "When the registry last answered.", *here
        )
        self._states = self._gauge(
            "identity_state", "Identities by their state.", *_OF_IDENTITY, "state"
        )
        self._shares = self._gauge(
            "identity_share", "An identity's share of the traffic.", *_OF_IDENTITY
        )
        self._in_flight = self._gauge(
            "requests_in_flight", "Requests that are being answered.", *_OF_IDENTITY
        )
        self._by_identity.append(self._in_flight)
        self._waiting = self._gauge("requests_waiting", "Requests in the queue.", *stack)
        self._spent = self._gauge("spent_usd", "What was spent today (UTC).", *stack)
        self._limit = self._gauge("limit_usd", "The most that may be spent in a day.", *stack)
        self._circuit = self._gauge(
            "circuit_open", "Whether an upstream is left alone.", *here, "upstream"
        )

    def _counter(self, name: str, means: str, *labels: str) -> Counter:
        return Counter(f"tetrad_{name}", means, (*_OF_IDENTITY, *labels), registry=self.registry)

    def _histogram(
        self, name: str, means: str, bounds: tuple[float, ...], *labels: str
    ) -> Histogram:
        every = (*_OF_IDENTITY, *_OF_MODEL, *labels)
        return Histogram(name, means, every, buckets=bounds, registry=self.registry)

    def _gauge(self, name: str, means: str, *labels: str) -> Gauge:
        return Gauge(f"tetrad_{name}", means, labels, registry=self.registry)


def _states(pointer: Pointer) -> Iterator[tuple[tuple[str, str], tuple[str, float]]]:
    """The loaded and the withdrawn identities by stack, each with its state and its share."""
    for stack in pointer.stacks.values():
        rolling = 0.0 if stack.rollout is None else stack.rollout.percent / 100
        for withdrawal in stack.withdrawn:
            yield (stack.stack, short(withdrawal.identity)), ("withdrawn", 0.0)
        for served in _warm(stack):
            yield (stack.stack, short(served)), ("warm", 0.0)
        if stack.rollout is not None:
            yield (stack.stack, short(stack.rollout.to.identity)), ("rolling out", rolling)
        yield (stack.stack, short(stack.live.identity)), ("live", 1 - rolling)


def _warm(stack: StackPointer) -> Iterator[Digest]:
    withdrawn = {withdrawal.identity for withdrawal in stack.withdrawn}
    return (s.identity for s in stack.warm if s.identity not in withdrawn)


def _tokens(usage: Usage) -> Iterator[tuple[str, int]]:
    if usage.input_tokens is not None:
        yield "input", usage.input_tokens
    if usage.output_tokens is not None:
        yield "output", usage.output_tokens
