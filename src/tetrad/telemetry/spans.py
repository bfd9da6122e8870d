"""A request as OpenTelemetry spans: one for the request, one for the answer, one for each step.

Every span names the stack, the identity and the deployment, so that any of them can be filtered by.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

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

from tetrad.results.trace import Called
from tetrad.runtime.observing import (
    Begun,
    Calling,
    Ended,
    Generating,
    Guarding,
    Rendering,
    Retrieving,
)
from tetrad.telemetry import attributes, content
from tetrad.telemetry import conventions as names
from tetrad.telemetry.given_traces import given_trace
from tetrad.telemetry.served import Outcome, Served
from tetrad.telemetry.trace_context import TraceContext

_SCOPE = "tetrad.gateway"
Clock: TypeAlias = Callable[[], int]  # nanoseconds since 1970


class Tracing:
    """Makes the spans of requests; `exporting.tracing_from` says where they go."""

    def __init__(
        self,
        provider: TracerProvider,
        *,
        release: str,
        with_content: bool,
        clock: Clock = time.time_ns,
    ) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(_SCOPE, release)
        self._with_content = with_content
        self._clock = clock

    def begin(
        self, context: TraceContext, *, method: str, route: str, path: str, scheme: str
    ) -> RequestSpans:
        """The spans of a request that arrived just now."""
        with given_trace(context.trace):
            span = self._tracer.start_span(
                f"{method} {route}",
                context=_parent(context),
                kind=SpanKind.SERVER,
                start_time=self._clock(),
                attributes={
                    names.HTTP_METHOD: method,
                    names.HTTP_ROUTE: route,
                    names.URL_PATH: path,
                    names.URL_SCHEME: scheme,
                },
            )
        return RequestSpans(self._tracer, span, self._clock, with_content=self._with_content)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


class RequestSpans:
    """The spans of one request; an observer of its steps."""

    def __init__(self, tracer: Tracer, root: Span, clock: Clock, *, with_content: bool) -> None:
        self._tracer = tracer
        self._clock = clock
        self._root = root
        self._with_content = with_content
        self._who: dict[str, Any] = {}
        self._served: Served | None = None
        self._answer: Span | None = None

    def chosen(self, served: Served, *, environment: str, deployment: int) -> None:
        """An identity was chosen; `deployment` is the number of the pointer that chose it."""
        self._served = served
        self._who = {
            "tetrad.stack": served.stack,
            "tetrad.identity": served.written,
            "tetrad.deployment": deployment,
            names.ENVIRONMENT_NAME: environment,
        }
        self._root.set_attributes(self._who)

    def given_again(self) -> None:
        """The answer is that to an earlier, equal request."""
        self._root.set_attribute("tetrad.cache", "hit")

    def fell_back(self, kind: str) -> None:
        """What goes out is not the answer of the identity that was chosen."""
        self._root.set_attribute("tetrad.fallback", kind)

    def answer_begins(
        self, served: Served, *, environment: str, deployment: int, stream: bool
    ) -> None:
        """The identity begins to answer, or another one after it failed."""
        self._end_answer("failed", "upstream_failed")
        self.chosen(served, environment=environment, deployment=deployment)
        self._answer = self._tracer.start_span(
            f"invoke_workflow {served.stack}",
            context=set_span_in_context(self._root, Context()),
            start_time=self._clock(),
            attributes={
                **self._who,
                names.OPERATION: "invoke_workflow",
                names.WORKFLOW_NAME: served.stack,
                names.STREAM: stream,
            },
        )

    def begin(self, step: Begun) -> StepSpan:
        """A step of the answer begins."""
        assert self._served is not None  # noqa: S101 - steps follow `answer_begins`
        name, kind = _name_of(step, self._served)
        span = self._tracer.start_span(
            name,
            context=set_span_in_context(self._answer or self._root, Context()),
            kind=kind,
            start_time=self._clock(),
            attributes={**self._who, **_known(attributes.of_begun(step, self._served))},
        )
        return StepSpan(span, self._clock, with_content=self._with_content)

    def end(self, *, outcome: Outcome, status: int, error: str = "") -> None:
        """The last byte was sent, or nobody waits for it any more."""
        self._end_answer(outcome, error)
        self._root.set_attributes({names.HTTP_STATUS: status, "tetrad.outcome": outcome})
        _fail(self._root, error if status >= 500 else "")
        self._root.end(self._clock())

    def _end_answer(self, outcome: Outcome, error: str) -> None:
        if self._answer is not None:
            self._answer.set_attribute("tetrad.outcome", outcome)
            _fail(self._answer, error)
            self._answer.end(self._clock())
            self._answer = None


class StepSpan:
    """The span of one step."""

    def __init__(self, span: Span, clock: Clock, *, with_content: bool) -> None:
        self._span = span
        self._clock = clock
        self._began = clock()
        self._first_token: float | None = None
        self._with_content = with_content

    def first_token(self) -> None:
        self._first_token = (self._clock() - self._began) / 1e9

    def end(self, outcome: Ended) -> None:
        self._span.set_attributes(_known(attributes.of_ended(outcome, self._first_token)))
        if self._with_content:
            self._span.set_attributes(content.of(outcome))
        if isinstance(outcome, Called) and outcome.error is not None:
            _fail(self._span, "tool_error")
        self._span.end(self._clock())

    def fail(self, error: BaseException) -> None:
        _fail(self._span, type(error).__name__)
        self._span.end(self._clock())


def _name_of(step: Begun, served: Served) -> tuple[str, SpanKind]:
    match step:
        case Retrieving():
            return "retrieval", SpanKind.CLIENT
        case Rendering():
            return f"render {step.prompt}", SpanKind.INTERNAL
        case Generating():
            return f"{served.operation} {served.model}", SpanKind.CLIENT
        case Calling():
            return f"execute_tool {step.call.name}", SpanKind.INTERNAL
        case Guarding():
            return f"guardrail {step.rule}", SpanKind.INTERNAL


def _known(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}


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
