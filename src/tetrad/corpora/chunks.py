"""A piece of a document that is searched."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """A slice of a document; `number` counts from 0 within it."""

    document: str
    number: int
    text: str
