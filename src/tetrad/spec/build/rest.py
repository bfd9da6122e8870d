"""Environments and waivers, which reference little and build nothing else."""

from __future__ import annotations

from datetime import date

from tetrad.spec.build.context import Context
from tetrad.spec.build.fields import Fields
from tetrad.spec.model import Environment, Waiver
from tetrad.spec.parse import Path


def build_environment(fields: Fields, context: Context) -> Environment:
    if "kubernetes" in fields.values and fields.get("target", "local") != "kubernetes":
        message = "kubernetes: is given, and the target is local"
        hint = "write target: kubernetes, or leave it out"
        context.report(fields.issue(("kubernetes",), message, hint, at_key=True))
    return Environment(
        ref=fields.ref,
        location=fields.location,
        target=fields.get("target", "local"),
        document=fields.values,
    )


def build_waivers(fields: Fields, context: Context) -> tuple[Waiver, ...]:
    built = [
        waiver_at(fields, context, ("waivers", n)) for n in range(len(fields.values["waivers"]))
    ]
    return tuple(waiver for waiver in built if waiver is not None)


def waiver_at(fields: Fields, context: Context, path: Path) -> Waiver | None:
    """One waiver; None where its day is none."""
    raw = fields.value(path)
    try:
        until = date.fromisoformat(raw["until"])
    except ValueError:
        message = f"{raw['until']} is no day of the calendar"
        context.report(fields.issue((*path, "until"), message, "write a day as YYYY-MM-DD"))
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
