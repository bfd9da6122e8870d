"""Spans of a request, as a real receiver of OTLP gets them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from otlp import Collector, attributes, collector, kinds

from tetrad.canonical import digest_of
from tetrad.errors import EngineUnavailable, Location, UsageError
from tetrad.model import Generation, Model, OpenAIEngine, Source
from tetrad.results.exchange import Completion, JsonOutput, Message, Request, ToolCall, Usage
from tetrad.results.trace import Called, Generated, Guarded, Passage, Retrieved
from tetrad.runtime.observing import (
    Begun,
    Calling,
    Ended,
    Generating,
    Guarding,
    Observer,
    Rendering,
    Retrieving,
)
from tetrad.telemetry import Served
from tetrad.telemetry.content import SETTING
from tetrad.telemetry.exporting import is_on, tracing_from
from tetrad.telemetry.spans import RequestSpans, Tracing
from tetrad.telemetry.trace_context import TraceContext

IDENTITY = digest_of("an identity")
SERVED = Served(
    stack="stacks/qa", identity=IDENTITY, model="qwen3-8b", provider="vllm", operation="chat"
)
REQUEST = Request(
    messages=(
        Message(role="system", content="Answer from the passages."),
        Message(role="user", content="I am anna@example.com: how many days?"),
    ),
    generation=Generation(temperature=0, max_tokens=48, top_p=1, seed=7, stop=("\n",)),
    constraint=JsonOutput(schema={"type": "object"}),
)
CALL = ToolCall(id="call-1", name="order_status", arguments={"mail": "anna@example.com"})
MODEL = Model(
    ref="stacks/models/qwen3-8b",
    location=Location("stacks/models/qwen3-8b.yaml"),
    source=Source(uri="vendor://openai/gpt", scheme="vendor"),
    engine=OpenAIEngine(model="qwen3-8b"),
)
PASSAGE = Passage(document="leave.md", chunk=2, text="25 days", score=0.75, similarity=0.6)
STEPS: tuple[tuple[Begun, Ended], ...] = (
    (Rendering(prompt="prompts/qa"), REQUEST),
    (
        Retrieving(corpus="stacks/corpora/handbook", query="days of anna@example.com", top_k=3),
        Retrieved(query="days of anna@example.com", passages=(PASSAGE,)),
    ),
    (
        Generating(model=MODEL, request=REQUEST, step=1),
        Generated(
            request=REQUEST,
            completion=Completion(
                text="", tool_calls=(CALL,), finish_reason="tool_calls",
                usage=Usage(input_tokens=90, output_tokens=12, cached_input_tokens=64),
                latency_s=0.5, first_token_s=0.2,
            ),
        ),
    ),
    (Calling(call=CALL), Called(call=CALL, error="timeout of anna@example.com")),
    (
        Guarding(rule="output", where="output"),
        (Guarded(rule="output.enum", detail="'anna@example.com' is none of the labels"),),
    ),
)  # fmt: skip
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PARENT = TraceContext.of(TRACEPARENT)


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        yield running


def tracing(received: Collector, **more: str) -> Tracing:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": received.url, **more}
    made = tracing_from(
        variables, environment="production", release="1.0", instance="g1",
        clock=count(1_000, 1_000).__next__,
    )  # fmt: skip
    assert made is not None
    return made


def begun(made: Tracing, context: TraceContext = PARENT) -> RequestSpans:
    spans = made.begin(
        context, method="POST", route="/v1/chat/completions", path="/v1/chat/completions",
        scheme="http",
    )  # fmt: skip
    spans.answer_begins(SERVED, environment="production", deployment=7, stream=True)
    return spans


def exchanged(received: Collector, context: TraceContext = PARENT, **more: str) -> None:
    """One request with every step, sent."""
    made = tracing(received, **more)
    spans = begun(made, context)
    observer: Observer = spans
    for step, outcome in STEPS:
        observer.begin(step).end(outcome)
    spans.end(outcome="answered", status=200)
    made.close()


NAMES = [
    "POST /v1/chat/completions",
    "invoke_workflow stacks/qa",
    "render prompts/qa",
    "retrieval",
    "chat qwen3-8b",
    "execute_tool order_status",
    "guardrail output",
]


def test_a_request_and_every_step_is_a_span(received: Collector) -> None:
    exchanged(received)

    assert sorted(span.name for span in received.spans) == sorted(NAMES)
    root, answer = received.named(NAMES[0]), received.named(NAMES[1])
    assert root.kind == Span.SPAN_KIND_SERVER
    assert {span.trace_id.hex() for span in received.spans} == {PARENT.trace}
    assert root.parent_span_id.hex() == PARENT.parent
    assert answer.parent_span_id == root.span_id
    steps = [received.named(name) for name in NAMES[2:]]
    assert {span.parent_span_id for span in steps} == {answer.span_id}
    times = [(span.start_time_unix_nano, span.end_time_unix_nano) for span in steps]
    assert all(began < ended for began, ended in times)
    assert times == sorted(times)
    assert root.start_time_unix_nano == 1_000
    assert root.end_time_unix_nano > times[-1][1]


def test_every_span_names_the_identity(received: Collector) -> None:
    exchanged(received)

    for span in received.spans:
        found = attributes(span)
        assert found["tetrad.identity"] == f"tetrad:{IDENTITY.hex}"
        assert found["tetrad.stack"] == "stacks/qa"
        assert found["tetrad.deployment"] == 7
        assert found["deployment.environment.name"] == "production"


def test_the_steps_say_what_they_did(received: Collector) -> None:
    exchanged(received)

    found = attributes(received.named("retrieval"))
    assert json.loads(found["gen_ai.retrieval.documents"]) == [{"id": "leave.md#2", "score": 0.75}]
    found = attributes(received.named("chat qwen3-8b"))
    assert found["gen_ai.usage.input_tokens"] == 90
    assert found["gen_ai.usage.output_tokens"] == 12
    assert found["gen_ai.usage.cache_read.input_tokens"] == 64
    assert found["gen_ai.response.time_to_first_chunk"] == 0.2
    assert found["gen_ai.response.finish_reasons"] == ["tool_calls"]
    assert found["gen_ai.output.type"] == "json"
    tool = received.named("execute_tool order_status")
    assert attributes(tool)["error.type"] == "tool_error"
    assert tool.status.code == Status.STATUS_CODE_ERROR


# By the registry of the conventions; `any` may be a JSON string.
TYPES = {
    "deployment.environment.name": "string",
    "error.type": "string",
    "gen_ai.data_source.id": "string",
    "gen_ai.input.messages": "string",
    "gen_ai.operation.name": "string",
    "gen_ai.output.messages": "string",
    "gen_ai.output.type": "string",
    "gen_ai.prompt.name": "string",
    "gen_ai.provider.name": "string",
    "gen_ai.request.max_tokens": "int",
    "gen_ai.request.model": "string",
    "gen_ai.request.seed": "int",
    "gen_ai.request.stop_sequences": "string[]",
    "gen_ai.request.stream": "boolean",
    "gen_ai.request.temperature": "double",
    "gen_ai.request.top_p": "double",
    "gen_ai.response.finish_reasons": "string[]",
    "gen_ai.response.time_to_first_chunk": "double",
    "gen_ai.retrieval.documents": "string",
    "gen_ai.retrieval.query.text": "string",
    "gen_ai.tool.call.arguments": "string",
    "gen_ai.tool.call.id": "string",
    "gen_ai.tool.call.result": "string",
    "gen_ai.tool.name": "string",
    "gen_ai.tool.type": "string",
    "gen_ai.usage.cache_read.input_tokens": "int",
    "gen_ai.usage.input_tokens": "int",
    "gen_ai.usage.output_tokens": "int",
    "gen_ai.workflow.name": "string",
    "http.request.method": "string",
    "http.response.status_code": "int",
    "http.route": "string",
    "url.path": "string",
    "url.scheme": "string",
}


def test_attributes_have_the_types_of_the_conventions(received: Collector) -> None:
    exchanged(received, PARENT, **{SETTING: "true"})

    sent: dict[str, str] = {}
    for span in received.spans:
        sent |= kinds(span)
    assert {name: kind for name, kind in sent.items() if not name.startswith("tetrad.")} == TYPES


def test_nothing_that_was_said_is_sent_unless_it_is_asked_for(received: Collector) -> None:
    exchanged(received)

    sent = repr([attributes(span) for span in received.spans])
    for said in ("anna", "passages", "how many", "timeout", "labels", "25 days"):
        assert said not in sent


def test_what_was_said_is_redacted_where_it_is_asked_for(received: Collector) -> None:
    exchanged(received, PARENT, **{SETTING: "TRUE"})

    sent = repr([attributes(span) for span in received.spans])
    assert "anna" not in sent
    chat = attributes(received.named("chat qwen3-8b"))
    assert json.loads(chat["gen_ai.input.messages"]) == [
        {"role": "system", "parts": [{"type": "text", "content": "Answer from the passages."}]},
        {"role": "user", "parts": [{"type": "text", "content": "I am [mail address]: how many days?"}]},
    ]  # fmt: skip
    (message,) = json.loads(chat["gen_ai.output.messages"])
    assert message["finish_reason"] == "tool_call"
    assert message["parts"][0]["arguments"] == {"mail": "[mail address]"}
    tool = attributes(received.named("execute_tool order_status"))
    assert tool["gen_ai.tool.call.result"] == '"timeout of [mail address]"'


def test_a_failed_generation_fails_the_request(received: Collector) -> None:
    made = tracing(received)
    spans = begun(made)
    step = spans.begin(Generating(model=MODEL, request=REQUEST, step=1))
    step.fail(EngineUnavailable("no answer"))
    spans.end(outcome="failed", status=503, error="EngineUnavailable")
    made.close()

    for name in (NAMES[0], NAMES[1], "chat qwen3-8b"):
        span = received.named(name)
        assert span.status.code == Status.STATUS_CODE_ERROR
        assert attributes(span)["error.type"] == "EngineUnavailable"
    assert attributes(received.named(NAMES[0]))["http.response.status_code"] == 503


def test_an_answer_in_place_of_another_is_a_span_of_its_own(received: Collector) -> None:
    made = tracing(received)
    spans = begun(made)
    other = replace(SERVED, stack="stacks/other")
    spans.answer_begins(other, environment="production", deployment=7, stream=False)
    spans.fell_back("stack")
    spans.end(outcome="answered", status=200)
    made.close()

    first = received.named("invoke_workflow stacks/qa")
    assert attributes(first)["tetrad.outcome"] == "failed"
    assert first.status.code == Status.STATUS_CODE_ERROR
    assert (
        attributes(received.named("invoke_workflow stacks/other"))["tetrad.outcome"] == "answered"
    )
    root = attributes(received.named(NAMES[0]))
    assert (root["tetrad.stack"], root["tetrad.fallback"]) == ("stacks/other", "stack")


def test_a_request_that_nobody_answers_names_who_was_chosen(received: Collector) -> None:
    made = tracing(received)
    spans = made.begin(PARENT, method="POST", route="/x", path="/x", scheme="http")
    spans.chosen(SERVED, environment="production", deployment=7)
    spans.end(outcome="limited", status=429)
    made.close()

    (root,) = received.spans
    assert attributes(root)["tetrad.identity"] == SERVED.written
    assert attributes(root)["tetrad.outcome"] == "limited"
    assert root.status.code == Status.STATUS_CODE_UNSET


def test_the_first_token_of_a_stream_is_timed(received: Collector) -> None:
    made = tracing(received)
    spans = begun(made)
    step = spans.begin(Generating(model=MODEL, request=REQUEST, step=1))
    step.first_token()
    step.end(Generated(request=REQUEST, completion=Completion(text="hi")))
    spans.end(outcome="answered", status=200)
    made.close()

    found = attributes(received.named("chat qwen3-8b"))
    assert found["gen_ai.response.time_to_first_chunk"] == 1e-6


def test_a_request_of_its_own_has_the_trace_that_its_answer_names(received: Collector) -> None:
    context = TraceContext.of(None)

    exchanged(received, context)

    assert {span.trace_id.hex() for span in received.spans} == {context.trace}
    assert received.named(NAMES[0]).parent_span_id == b""


def test_a_caller_that_does_not_sample_is_followed(received: Collector) -> None:
    exchanged(received, TraceContext.of(f"{TRACEPARENT[:-2]}00"))

    assert received.spans == []


def test_the_resource_is_the_gateway(received: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=search")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-token=secret")

    exchanged(received)

    assert received.resource["service.name"] == "tetrad-gateway"
    assert received.resource["service.version"] == "1.0"
    assert received.resource["service.instance.id"] == "g1"
    assert received.resource["team"] == "search"
    assert received.headers["x-token"] == "secret"


def test_a_name_of_ones_own_stays(received: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "support-bot")

    exchanged(received, PARENT, OTEL_SERVICE_NAME="support-bot")

    assert received.resource["service.name"] == "support-bot"


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


@pytest.mark.parametrize(
    ("variables", "on"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "true"}, False),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
    ],
)
def test_the_standard_variables_turn_it_on(variables: Mapping[str, str], on: bool) -> None:
    assert is_on(variables) is on


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER: 'zipkin' is not supported"),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "'grpc' is not supported\n  help: http/protobuf"),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused(variables: Mapping[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        is_on(variables)


def test_a_collector_that_is_down_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    made = tracing_from(ENDPOINT, environment="e", release="1", instance="g")
    assert made is not None

    begun(made).end(outcome="answered", status=200)
    made.close()
