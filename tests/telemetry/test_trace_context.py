"""Trace ids come from the caller by W3C Trace Context, or are new."""

from __future__ import annotations

import pytest

from tetrad.telemetry.trace_context import TraceContext

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"01-{TRACE}-{SPAN}-01-of-a-later-version", True),
        (f" 00-{TRACE}-{SPAN}-03 ", True),
    ],
)
def test_the_callers_trace_goes_on(header: str, is_sampled: bool) -> None:
    assert TraceContext.of(header) == TraceContext(trace=TRACE, parent=SPAN, is_sampled=is_sampled)


@pytest.mark.parametrize(
    "header",
    [
        None, "", "nonsense", f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01", f"00-{TRACE}-{SPAN}",
    ],
)  # fmt: skip
def test_what_cannot_be_read_begins_a_new_trace(header: str | None) -> None:
    one, other = TraceContext.of(header), TraceContext.of(header)

    assert one.trace != other.trace
    assert len(one.trace) == 32
    assert one.parent is None
