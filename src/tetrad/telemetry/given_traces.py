"""Root spans with the trace id that the answer carries, whether or not spans are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

_TRACE: ContextVar[str | None] = ContextVar("trace", default=None)


@contextmanager
def given_trace(trace: str) -> Iterator[None]:
    """A root span that is started within has this trace id."""
    token = _TRACE.set(trace)
    try:
        yield
    finally:
        _TRACE.reset(token)


class GivenTraces(RandomIdGenerator):
    """Ids of spans at random, those of traces as they are given."""

    def generate_trace_id(self) -> int:
        given = _TRACE.get()
        return super().generate_trace_id() if given is None else int(given, 16)
