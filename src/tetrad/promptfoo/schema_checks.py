"""Golden sets and cases held against their schema, in promptfoo's words where a key is promptfoo's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tetrad.errors import Issue, Location
from tetrad.promptfoo.foreign_keys import in_promptfoos_words, is_not_applied, not_applied
from tetrad.promptfoo.raw import RawCase, Report
from tetrad.schemas.check import check_value, issue_at, issue_of
from tetrad.schemas.violations import Problem
from tetrad.yamldoc.parse import Document

IGNORED = "GLD986"  # the rule of keys that are not applied


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
