"""A request as OpenTelemetry spans: one for the request, one for the answer, one for each step.

Every span names the stack, the identity and the deployment, so that any of them can be filtered by.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from tetrad.results.exchange import JsonOutput, Request
from tetrad.results.trace import Called, Generated, Guarded, Retrieved, Step
from tetrad.telemetry import content
from tetrad.telemetry import conventions as names
from tetrad.telemetry.given_traces import given_trace
from tetrad.telemetry.served import Outcome, Served
from tetrad.telemetry.trace_context import TraceContext

_SCOPE = "tetrad.gateway"
Attributes = dict[str, Any]
StepT = TypeVar("StepT", bound=Step)


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """When something began and ended, in nanoseconds since 1970."""

    began: int
    ended: int


class Tracing:
    """Makes the spans of requests; `exporting.tracing_from` says where they go."""

    def __init__(self, provider: TracerProvider, *, release: str, with_content: bool) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(_SCOPE, release)
        self._with_content = with_content

    def begin(
        self, context: TraceContext, *, method: str, route: str, path: str, scheme: str, at: int
    ) -> RequestSpans:
        """The spans of a request that arrived just now."""
        with given_trace(context.trace):
            span = self._tracer.start_span(
                f"{method} {route}",
                context=_parent(context),
                kind=SpanKind.SERVER,
                start_time=at,
                attributes={
                    names.HTTP_METHOD: method,
                    names.HTTP_ROUTE: route,
                    names.URL_PATH: path,
                    names.URL_SCHEME: scheme,
                },
            )
        return RequestSpans(self._tracer, span, with_content=self._with_content)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


class RequestSpans:
    """The spans of one request."""

    def __init__(self, tracer: Tracer, root: Span, *, with_content: bool) -> None:
        self._tracer = tracer
        self._root = root
        self._with_content = with_content
        self._who: Attributes = {}
        self._served: Served | None = None
        self._answer: Span | None = None

    def answer_begins(
        self, served: Served, *, environment: str, deployment: int, at: int, stream: bool
    ) -> None:
        """An identity was chosen; `deployment` is the number of the pointer that chose it."""
        self._served = served
        self._who = {
            "tetrad.stack": served.stack,
            "tetrad.identity": served.written,
            "tetrad.deployment": deployment,
            names.ENVIRONMENT_NAME: environment,
        }
        self._root.set_attributes(self._who)
        self._answer = self._tracer.start_span(
            f"invoke_workflow {served.stack}",
            context=set_span_in_context(self._root, Context()),
            start_time=at,
            attributes={
                **self._who,
                names.OPERATION: "invoke_workflow",
                names.WORKFLOW_NAME: served.stack,
                names.STREAM: stream,
            },
        )

    def prompt_made(self, prompt: str, request: Request, times: Times) -> None:
        """The prompt was rendered."""
        sizes = {
            names.PROMPT_NAME: prompt,
            "tetrad.prompt.messages": len(request.messages),
            "tetrad.prompt.characters": sum(len(m.content) for m in request.messages),
        }
        self._child(f"render {prompt}", times, sizes)

    def step(self, step: Step, times: Times) -> None:
        """A step of the answer is over."""
        match step:
            case Retrieved():
                self._retrieved(step, times)
            case Generated():
                self._generated(step, times)
            case Called():
                self._called(step, times)
            case Guarded():
                found = {
                    "tetrad.guardrail.rule": step.rule,
                    **self._content(content.of_guard, step),
                }
                self._child(f"guardrail {step.rule}", times, found)

    def failed_generation(self, request: Request, error: str, times: Times) -> None:
        """The engine did not answer."""
        self._child(self._inference, times, self._asked(request), SpanKind.CLIENT, error=error)

    def end(self, *, outcome: Outcome, status: int, at: int, error: str = "") -> None:
        """The last byte was sent, or nobody waits for it any more."""
        if self._answer is not None:
            self._answer.set_attribute("tetrad.outcome", outcome)
            _fail(self._answer, error)
            self._answer.end(at)
        self._root.set_attributes({names.HTTP_STATUS: status, "tetrad.outcome": outcome})
        _fail(self._root, error if status >= 500 else "")
        self._root.end(at)

    @property
    def _inference(self) -> str:
        assert self._served is not None  # noqa: S101 - steps follow `answer_begins`
        return f"{self._served.operation} {self._served.model}"

    def _retrieved(self, step: Retrieved, times: Times) -> None:
        documents = [{"id": f"{p.document}#{p.chunk}", "score": p.score} for p in step.passages]
        found: Attributes = {
            names.OPERATION: "retrieval",
            names.RETRIEVAL_DOCUMENTS: json.dumps(documents),
            "tetrad.retrieval.answerable": step.answerable,
            **self._content(content.of_retrieval, step),
        }
        self._child("retrieval", times, found, SpanKind.CLIENT)

    def _generated(self, step: Generated, times: Times) -> None:
        completion = step.completion
        usage = completion.usage
        answered: Attributes = {
            names.FINISH_REASONS: [completion.finish_reason],
            names.INPUT_TOKENS: usage.input_tokens,
            names.OUTPUT_TOKENS: usage.output_tokens,
            names.CACHED_INPUT_TOKENS: usage.cached_input_tokens or None,
            names.TIME_TO_FIRST_CHUNK: completion.first_token_s,
            **self._content(content.of_generation, step),
        }
        self._child(
            self._inference, times, {**self._asked(step.request), **answered}, SpanKind.CLIENT
        )

    def _asked(self, request: Request) -> Attributes:
        assert self._served is not None  # noqa: S101 - steps follow `answer_begins`
        generation = request.generation
        return {
            names.OPERATION: self._served.operation,
            names.PROVIDER: self._served.provider,
            names.REQUEST_MODEL: self._served.model,
            names.OUTPUT_TYPE: _output(request),
            names.MAX_TOKENS: generation.max_tokens,
            names.TEMPERATURE: _float(generation.temperature),
            names.TOP_P: _float(generation.top_p),
            names.SEED: _seed(generation.seed),
            names.STOP_SEQUENCES: list(generation.stop) or None,
        }

    def _called(self, step: Called, times: Times) -> None:
        found: Attributes = {
            names.OPERATION: "execute_tool",
            names.TOOL_NAME: step.call.name,
            names.TOOL_TYPE: "function",
            names.TOOL_CALL_ID: step.call.id,
            **self._content(content.of_call, step),
        }
        error = "tool_error" if step.error else ""
        self._child(f"execute_tool {step.call.name}", times, found, error=error)

    def _child(
        self,
        name: str,
        times: Times,
        attributes: Attributes,
        kind: SpanKind = SpanKind.INTERNAL,
        *,
        error: str = "",
    ) -> None:
        known = {key: value for key, value in attributes.items() if value is not None}
        span = self._tracer.start_span(
            name,
            context=set_span_in_context(self._answer or self._root, Context()),
            kind=kind,
            start_time=times.began,
            attributes={**self._who, **known},
        )
        _fail(span, error)
        span.end(times.ended)

    def _content(
        self, made: Callable[[StepT], Mapping[str, str]], step: StepT
    ) -> Mapping[str, str]:
        return made(step) if self._with_content else {}


def _parent(context: TraceContext) -> Context:
    if context.parent is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if context.is_sampled else TraceFlags.DEFAULT)
    remote = SpanContext(
        int(context.trace, 16), int(context.parent, 16), is_remote=True, trace_flags=flags
    )
    return set_span_in_context(NonRecordingSpan(remote), Context())


def _fail(span: Span, error: str) -> None:
    if error:
        span.set_attribute(names.ERROR_TYPE, error)
        span.set_status(Status(StatusCode.ERROR))


def _output(request: Request) -> str:
    return "json" if isinstance(request.constraint, JsonOutput) else "text"


def _float(number: float | None) -> float | None:
    return None if number is None else float(number)


def _seed(seed: int | None) -> int | None:
    """A seed as OTLP carries integers: those of 64 bits with a sign."""
    return seed if seed is None or seed < 2**63 else None
