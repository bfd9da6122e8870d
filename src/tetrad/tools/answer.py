"""What a runner brings back."""

from __future__ import annotations

from dataclasses import dataclass

from tetrad.canonical import Json

MAX_BYTES = 1_000_000  # of one answer; more does not fit a model's window anyway


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A result, or the tool's own words for why there is none (no such order, say)."""

    result: Json = None
    refusal: str | None = None
