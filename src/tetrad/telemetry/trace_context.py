"""The id of a request's trace: its caller's by W3C Trace Context, or a new one."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceContext:
    """`trace` is 32 hexadecimal digits; `parent` the caller's span, None for a request of its own."""

    trace: str
    parent: str | None = None
    is_sampled: bool = True

    @classmethod
    def of(cls, traceparent: str | None) -> TraceContext:
        """What a `traceparent` header says; a new trace where there is none that can be read."""
        found = _TRACEPARENT.match((traceparent or "").strip())
        if found is None:
            return cls(trace=secrets.token_hex(16))
        trace, parent, flags = found.groups()
        return cls(trace=trace, parent=parent, is_sampled=bool(int(flags, 16) & 1))
