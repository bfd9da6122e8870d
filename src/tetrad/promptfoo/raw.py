"""Cases before they are built: plain mappings that the schema has checked, with their places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tetrad.errors import Issue, Location
from tetrad.promptfoo.foreign import in_promptfoos_words, is_not_applied, not_applied
from tetrad.promptfoo.respelled import respelled
from tetrad.schemas.check import check_value, issue_at, issue_of
from tetrad.schemas.violations import Problem
from tetrad.yamldoc.jsonfile import parse_json
from tetrad.yamldoc.jsonl import json_lines
from tetrad.yamldoc.parse import Document, Path

IGNORED = "GLD986"  # the rule of keys that are not applied

Report: TypeAlias = Callable[[Issue], None]
Read: TypeAlias = Callable[[str, Location], bytes]  # a file by its path from the root
Glob: TypeAlias = Callable[[str], Iterable[str]]  # the files that fit a pattern from the root


@dataclass(frozen=True, slots=True)
class RawCase:
    """A checked mapping, and where each of its parts stands."""

    value: Mapping[str, Any]
    locate: Callable[[Path], Location]

    @property
    def location(self) -> Location:
        return self.locate(())


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


def checked(value: Any, location: Location, report: Report) -> Iterator[RawCase]:
    """The case that a value of one line is, if it is one."""
    sound = True
    for problem in check_value(value, "golden", "case"):
        if is_not_applied(problem):
            report(warning(issue_at(location, not_applied(problem))))
        else:
            sound = False
            report(issue_at(location, in_promptfoos_words(problem)))
    if sound:
        yield RawCase({"assert": [], **value}, lambda _: location)


def warning(issue: Issue) -> Issue:
    """An issue of a key that is not applied, which keeps nothing from being read."""
    return replace(issue, code=IGNORED, blocks="nothing")


def problems_of(document: Document, report: Report, definition: str | None = None) -> list[Problem]:
    """What is wrong with a document that should be a golden set, or one of its parts.

    Keys that are not applied are reported, and are no problem.
    """
    of_config = definition is None and isinstance(document.value, Mapping)
    problems: list[Problem] = []
    for problem in check_value(document.value, "golden", definition):
        if is_not_applied(problem):
            report(warning(issue_of(document, not_applied(problem))))
        else:
            problems.append(in_promptfoos_words(problem, of_config=of_config))
    return problems
