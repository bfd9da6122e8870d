"""Golden sets in JSON Lines: a case a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tetrad.errors import Location
from tetrad.promptfoo.checked import checked
from tetrad.promptfoo.raw import RawCase, Report
from tetrad.promptfoo.respelled import respelled
from tetrad.yamldoc.jsonfile import parse_json
from tetrad.yamldoc.jsonl import json_lines


def cases_of_lines(path: str, data: bytes, report: Report) -> Iterator[RawCase]:
    """JSON Lines, read one at a time; a line that is no case is reported and left out."""
    lines: list[bytes] = []
    for location, value in json_lines(data, path, report):
        cases = list(checked(value, location, report))
        if cases and _has_fractions(cases[0].value["assert"]):
            lines = lines or data.split(b"\n")
            line = parse_json(lines[location.line - 1], path)
            for issue in respelled(line):
                place = Location(path, location.line, issue.location.column)
                report(replace(issue, location=place))
        yield from cases


def _has_fractions(value: Any) -> bool:
    """Whether a number stands in it that JSON can write in several ways."""
    if isinstance(value, dict):
        return any(map(_has_fractions, value.values()))
    return any(map(_has_fractions, value)) if isinstance(value, list) else isinstance(value, float)
