"""A case's variables as they are asked with: files read, lists expanded, names filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from tetrad.errors import Issue
from tetrad.promptfoo.file_values import PromptfooFiles
from tetrad.promptfoo.raw import RawCase, Report

_MAX_COMBINATIONS = 10_000
_ROUNDS = 5  # so often promptfoo fills names in what it filled in
_MAX_CHARS = 1_000_000  # of a text that is filled in: names within names can multiply it
_NAME = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_STARTS_WITH_NAME = re.compile(r"\{\{-?\s*(\w+)")
_MARKS = (("{{", "}}"), ("{%", "%}"))


def expanded(
    case: RawCase, files: PromptfooFiles, arrays: frozenset[str] | None, *, templates: bool
) -> Iterator[RawCase]:
    """A case for each combination of its lists of texts; `arrays` are variables that take lists.

    With `templates` it is a config's case, whose variables promptfoo takes for templates.
    """
    for one in _combinations(files.filled(case), arrays, files.report):
        yield _with_metrics(_composed(one, files.report, templates=templates), files.report)


def _combinations(
    case: RawCase, arrays: frozenset[str] | None, report: Report
) -> Iterator[RawCase]:
    given = case.value["vars"]
    lists: dict[str, list[Any]] = {}
    if arrays is not None and not case.value.get("options", {}).get("disableVarExpansion", False):
        lists = {n: v for n, v in given.items() if n not in arrays and is_texts(v)}
    if not lists:
        yield case
        return
    count = 1
    for value in lists.values():
        count *= len(value)
    if count > _MAX_COMBINATIONS:
        message = (
            f"the lists in vars stand for {count:,} cases; at most {_MAX_COMBINATIONS:,} are made"
        )
        report(Issue(location=case.location, code="SCH101", message=message))
        return
    for number, chosen in enumerate(product(*lists.values()), 1):
        one = {**case.value, "vars": {**given, **dict(zip(lists, chosen, strict=True))}}
        if "id" in one:
            one["id"] = f"{one['id']}-{number}"
        yield RawCase(one, case.locate)


def is_texts(value: Any) -> bool:
    """Whether a list is promptfoo's short form for several cases, unless its variable takes lists."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], str)


def _composed(case: RawCase, report: Report, *, templates: bool) -> RawCase:
    """The case with `{{ name }}` in its texts filled from its other variables, as in promptfoo."""
    given = case.value["vars"]
    if templates:  # as promptfoo does it, where a block text of YAML ends in one
        given = {n: v.removesuffix("\n") if isinstance(v, str) else v for n, v in given.items()}
    if not any(isinstance(value, str) and "{" in value for value in given.values()):
        return RawCase({**case.value, "vars": given}, case.locate) if templates else case
    filled = {name: _filled(name, value, given) for name, value in given.items()}
    for name, value in filled.items():
        if isinstance(value, str) and _is_template(name, value, filled, anyhow=templates):
            message = f"promptfoo runs the template in the variable {name!r}, and here it is a text"
            hint = "write the text itself; {{ name }} of another variable is filled in"
            report(Issue(location=case.locate(("vars", name)), message=message, hint=hint))
    return RawCase({**case.value, "vars": filled}, case.locate)


def _filled(own: str, value: Any, given: Mapping[str, Any]) -> Any:
    if not isinstance(value, str):
        return value
    for _ in range(_ROUNDS):
        before = value
        size = sum(len(_of_name(match, own, given)) for match in _NAME.finditer(before))
        if size > _MAX_CHARS:
            break  # what is left of it is reported
        value = _NAME.sub(lambda match: _of_name(match, own, given), before)
        if value == before:
            break
    return value


def _of_name(match: re.Match[str], own: str, given: Mapping[str, Any]) -> str:
    other = given.get(match[1])
    is_text = isinstance(other, str | int) and not isinstance(other, bool)
    return str(other) if is_text and match[1] != own else match[0]


def _is_template(own: str, value: str, given: Mapping[str, Any], *, anyhow: bool) -> bool:
    """Whether promptfoo would make something else of a text: certain where it names a variable."""
    if anyhow:
        return any(0 <= value.find(start) < value.rfind(end) for start, end in _MARKS)
    return any(name in given and name != own for name in _STARTS_WITH_NAME.findall(value))


def _with_metrics(case: RawCase, report: Report) -> RawCase:
    """The case with the variables filled into the names of its metrics, as promptfoo does it."""
    if not _names_by_template(case.value["assert"]):
        return case
    given = case.value["vars"]

    def named(item: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        inner = [named(one, number) for one in item.get("assert", ())]
        own = {**item, "assert": inner} if inner else dict(item)
        written = item.get("metric", "")
        if "{" in written:
            own["metric"] = _NAME.sub(lambda match: _of_name(match, "", given), written)
            if any(mark in own["metric"] for marks in _MARKS for mark in marks):
                at = case.locate(("assert", number))
                message = f"promptfoo runs the template in the metric {written!r}"
                hint = "name a metric of the suite; {{ name }} of a variable is filled in"
                report(Issue(location=at, message=message, hint=hint))
        return own

    asserts = [named(item, number) for number, item in enumerate(case.value["assert"])]
    return RawCase({**case.value, "assert": asserts}, case.locate)


def _names_by_template(items: Sequence[Mapping[str, Any]]) -> bool:
    return any("{" in i.get("metric", "") or _names_by_template(i.get("assert", ())) for i in items)
