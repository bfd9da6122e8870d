"""Dates and times as commands take them."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime


def date(written: str) -> datetime:
    """A day, which begins at midnight UTC, or a time by RFC 3339."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise ArgumentTypeError(f"{written!r} is not a date like 2026-11-30") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
