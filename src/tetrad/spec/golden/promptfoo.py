"""promptfoo's test files, unchanged: a list of tests, or a config with `tests` and `defaultTest`.

The rules are those of promptfoo's evaluator: the default's assertions come first, a list of texts
among the vars stands for a case for each of them, `file://` names a text.
https://www.promptfoo.dev/docs/configuration/test-cases
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from tetrad.errors import Issue, Location
from tetrad.spec.golden.files import Files
from tetrad.spec.golden.raw import RawCase, Read, Report
from tetrad.spec.nearest import did_you_mean
from tetrad.spec.parse import Document, Path

_MAX_COMBINATIONS = 10_000


def cases_of_config(document: Document, report: Report) -> Iterator[RawCase | tuple[str, Location]]:
    """The cases of a checked document, and the files that hold further ones."""
    listed = isinstance(document.value, list)
    if not listed:
        _refuse_more_cases(document, report)
    at: Path = () if listed else ("tests",)
    tests = document.value if listed else document.value["tests"]
    if isinstance(tests, str):
        yield tests, document.at(at)
        return
    for number, test in enumerate(tests):
        if isinstance(test, str):
            yield test, document.at((*at, number))
        else:
            yield _case(document, (*at, number), report)


def _refuse_more_cases(document: Document, report: Report) -> None:
    """Other keys of a config say who answers, which a stack does; these add cases or repeats."""
    if document.value.get("scenarios"):
        report(
            Issue(
                location=document.key_at(("scenarios",)),
                path="$.scenarios",
                message="scenarios are not read, and their cases would be lost",
                hint="write each of them under tests",
            )
        )
    options = document.value.get("evaluateOptions")
    if isinstance(options, Mapping) and "repeat" in options:
        report(
            Issue(
                location=document.key_at(("evaluateOptions", "repeat")),
                path="$.evaluateOptions.repeat",
                message="repeat is not read for a whole file",
                hint="write repeats on the cases, or under defaultTest",
            )
        )


def _case(document: Document, path: Path, report: Report) -> RawCase:
    """One test with its assertion templates filled in."""
    raw = document.node(path).value

    def locate(inner: Path) -> Location:
        return document.at((*path, *inner))

    asserts = [
        _filled(document, item, locate(("assert", number)), report)
        for number, item in enumerate(raw.get("assert", ()))
    ]
    return RawCase({**raw, "assert": asserts}, locate)


def default_of(document: Document, report: Report) -> RawCase | None:
    """What a config lays under all of its tests."""
    if isinstance(document.value, list) or "defaultTest" not in document.value:
        return None
    return _case(document, ("defaultTest",), report)


def with_default(case: RawCase, default: RawCase) -> RawCase:
    """A test with the default laid under it; the default's assertions come first."""
    raw, under = case.value, default.value
    disabled = raw.get("options", {}).get("disableDefaultAsserts", False)
    inherited = [] if disabled else under["assert"]
    merged: dict[str, Any] = {**under, **raw}
    for key in ("vars", "options", "metadata"):
        merged[key] = {**under.get(key, {}), **raw.get(key, {})}
    merged["assert"] = [*inherited, *raw["assert"]]

    def locate(inner: Path) -> Location:
        if inner[:1] != ("assert",) or len(inner) == 1:
            return case.locate(inner)
        number = int(inner[1])
        if number < len(inherited):
            return default.locate(inner)
        return case.locate(("assert", number - len(inherited), *inner[2:]))

    return RawCase(merged, locate)


def _filled(
    document: Document, item: Mapping[str, Any], at: Location, report: Report
) -> Mapping[str, Any]:
    """An assertion with the template that its `$ref` names; sets are filled inside."""
    if "assert" in item:
        inner = [_filled(document, one, at, report) for one in item["assert"]]
        return {**item, "assert": inner}
    if "$ref" not in item:
        return item
    own = {key: value for key, value in item.items() if key != "$ref"}
    name = item["$ref"].rsplit("/", 1)[-1]
    value = document.value
    templates = value.get("assertionTemplates", {}) if isinstance(value, dict) else {}
    if name not in templates or "$ref" in templates[name]:
        hint = did_you_mean(name, templates, "define it under assertionTemplates: in this file")
        message = f"there is no assertion template {name!r}"
        report(Issue(location=at, message=message, hint=hint, code="SCH107"))
        return {"type": "equals", "value": "", **own}
    return {**templates[name], **own}


def expanded(
    case: RawCase, path: str, arrays: frozenset[str], read: Read, report: Report
) -> Iterator[RawCase]:
    """A case for each combination of its lists of texts; `arrays` are variables that take lists."""
    options = case.value.get("options", {})
    files = Files(path, read, report)
    case = files.filled(case)
    given = case.value["vars"]
    lists = {
        name: value
        for name, value in given.items()
        if isinstance(value, list) and value and isinstance(value[0], str) and name not in arrays
    }
    if not lists or options.get("disableVarExpansion", False):
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
