"""Waivers: findings and broken cases that are accepted until a day, and what a change accepts of the
base's yardstick.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from tetrad.loading.context import Context
from tetrad.loading.fields import Fields
from tetrad.model import Acceptance, Waiver
from tetrad.yamldoc.parse import Path

_OF_YARDSTICK = ("case", "tag", "metric", "requirement")


def build_waivers(fields: Fields, context: Context) -> tuple[Waiver | Acceptance, ...]:
    built = [
        waiver_at(fields, context, ("waivers", n)) for n in range(len(fields.values["waivers"]))
    ]
    return tuple(waiver for waiver in built if waiver is not None)


def waiver_at(fields: Fields, context: Context, path: Path) -> Waiver | Acceptance | None:
    """One line; None, reported, where it says too little or too much."""
    raw = fields.value(path)
    is_yardstick = raw.get("accept") == "yardstick"
    wrong = list(_of_yardstick(raw) if is_yardstick else _until_a_day(raw))
    for key, message, hint in wrong:
        context.report(fields.issue((*path, key) if key else path, message, hint))
    if wrong:
        return None
    if is_yardstick:
        named = {key: raw.get(key) for key in ("suite", *_OF_YARDSTICK, "reason", "owner")}
        return Acceptance(**named, location=fields.at(path))
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


def _of_yardstick(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a line on the base's yardstick: a key or none, what, and how to fix it."""
    if "suite" not in raw:
        yield "", "'suite' is missing", "name the suite whose yardstick is accepted away"
    given = [key for key in _OF_YARDSTICK if key in raw]
    if len(given) > 1:
        yield "", f"{' and '.join(map(repr, given))} exclude each other", "write a line for each"
    if not given:
        known = ", ".join(map(repr, _OF_YARDSTICK))
        yield "", f"one of {known} is missing", "say what of the suite no longer counts"
    if "until" in raw:
        hint = "remove it: such a line counts in the change that brings it, and in no other"
        yield "until", "'until' is not valid with accept: yardstick", hint


def _until_a_day(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if "until" not in raw:
        yield "", "'until' is missing", "add until: the last day it counts, YYYY-MM-DD"
    for key in ("suite", "tag", "metric", "requirement"):
        if key in raw:
            yield key, f"{key!r} is only valid with accept: yardstick", "remove it"
    if raw.get("accept") != "broken":
        return
    suite, mark, case = raw.get("case", "").partition("#")
    if "case" not in raw:
        yield "", "'case' is missing", "add case: SUITE#CASE, for example evals/triage#late-parcel"
    elif not (suite and mark and case):
        hint = "write SUITE#CASE, for example evals/triage#late-parcel"
        yield "case", f"{raw['case']!r} names no case of a suite", hint


def day_at(fields: Fields, context: Context, path: Path) -> date | None:
    """A day of the calendar; None, reported, where it is none."""
    written = fields.value(path)
    try:
        return date.fromisoformat(written)
    except ValueError:
        message = f"{written} is not a valid date"
        context.report(fields.issue(path, message, "write a day as YYYY-MM-DD"))
        return None
