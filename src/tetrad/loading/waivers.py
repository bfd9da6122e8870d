"""Waivers: findings and broken cases that are accepted until a day."""

from __future__ import annotations

from datetime import date

from tetrad.loading.context import Context
from tetrad.loading.fields import Fields
from tetrad.model import Waiver
from tetrad.yamldoc.parse import Path


def build_waivers(fields: Fields, context: Context) -> tuple[Waiver, ...]:
    built = [
        waiver_at(fields, context, ("waivers", n)) for n in range(len(fields.values["waivers"]))
    ]
    return tuple(waiver for waiver in built if waiver is not None)


def waiver_at(fields: Fields, context: Context, path: Path) -> Waiver | None:
    """One waiver; None where its day is none."""
    raw = fields.value(path)
    until = day_at(fields, context, (*path, "until"))
    if until is None:
        return None
    return Waiver(
        rule=raw.get("rule"),
        file=raw.get("file"),
        case=raw.get("case"),
        accept=raw.get("accept"),
        reason=raw["reason"],
        owner=raw["owner"],
        until=until,
        location=fields.at(path),
    )


def day_at(fields: Fields, context: Context, path: Path) -> date | None:
    """A day of the calendar; None, reported, where it is none."""
    written = fields.value(path)
    try:
        return date.fromisoformat(written)
    except ValueError:
        message = f"{written} is no day of the calendar"
        context.report(fields.issue(path, message, "write a day as YYYY-MM-DD"))
        return None
