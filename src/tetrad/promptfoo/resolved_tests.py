"""promptfoo's test files, unchanged: how the parts of a config make one case.

The rules are those of promptfoo's evaluator: the default's assertions come first, a scenario's data
lies under each of its tests, `provider` of an assertion names who grades it.
https://www.promptfoo.dev/docs/configuration/test-cases
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tetrad.assertions.table import EMBEDDED, JUDGED
from tetrad.errors import Issue, Location
from tetrad.promptfoo.foreign_keys import problems_of_test
from tetrad.promptfoo.raw import RawCase, Report
from tetrad.schemas.check import issue_at
from tetrad.schemas.nearest import did_you_mean
from tetrad.yamldoc.parse import Path

if TYPE_CHECKING:
    from tetrad.promptfoo.file_values import PromptfooFiles

_ASIDE = frozenset({"provider", "description"})  # of an assertion: read here, and for people


def resolved(
    case: RawCase, templates: Mapping[str, Any], files: PromptfooFiles, *, default: bool = False
) -> RawCase:
    """One test by itself: its assertion templates filled in, its vars read, its judges named.

    Of a `default` what it says of answering and grading is not looked at: a suite says that.
    """
    raw, locate = case.value, case.locate
    grader = None if default else raw.get("options", {}).get("provider")
    if not default:
        for problem in problems_of_test(raw):
            files.report(issue_at(locate(problem.path), problem, ()))
    asserts = [
        _judged(_filled(templates, item, at, files.report), grader, at, files.report)
        for number, item in enumerate(raw.get("assert", ()))
        for at in [locate(("assert", number))]
    ]
    vars_ = raw.get("vars", {})
    if not isinstance(vars_, Mapping):
        vars_ = _named_vars(vars_, locate(("vars",)), files)
    aside = {"description"} if default else {}
    own = {key: value for key, value in raw.items() if key not in aside}
    return RawCase({**own, "vars": vars_, "assert": asserts}, locate)


def _named_vars(written: Any, at: Location, files: PromptfooFiles) -> Mapping[str, Any]:
    """The vars of the files that stand in their place."""
    beside = files.of(at.file)
    values: dict[str, Any] = {}
    for name in [written] if isinstance(written, str) else written:
        values |= beside.values(name, at)
    return values


def _filled(
    templates: Mapping[str, Any], item: Mapping[str, Any], at: Location, report: Report
) -> Mapping[str, Any]:
    """An assertion with the template that its `$ref` names; sets are filled inside."""
    if "assert" in item:
        inner = [_filled(templates, one, at, report) for one in item["assert"]]
        return {**item, "assert": inner}
    if "$ref" not in item:
        return item
    own = {key: value for key, value in item.items() if key != "$ref"}
    name = item["$ref"].rsplit("/", 1)[-1]
    if name not in templates or "$ref" in templates[name]:
        hint = did_you_mean(name, templates, "define it under assertionTemplates: in this file")
        message = f"unknown assertion template {name!r}"
        report(Issue(location=at, message=message, hint=hint, code="SCH107"))
        return {"type": "equals", "value": "", **own}
    return {**templates[name], **own}


def _judged(
    item: Mapping[str, Any], grader: Any, at: Location, report: Report
) -> Mapping[str, Any]:
    """An assertion that a judge decides, with promptfoo's grader as the name of its judge."""
    if "assert" in item:
        inner = [_judged(one, grader, at, report) for one in item["assert"]]
        return {**item, "assert": inner}
    own = {key: value for key, value in item.items() if key not in _ASIDE}
    kind = item.get("type", "").removeprefix("not-")
    provider = item.get("provider", grader)
    if provider is None or "judge" in item or kind not in JUDGED | EMBEDDED:
        return own
    if kind in EMBEDDED and "provider" in item:
        message = "promptfoo takes the vectors from this provider"
        hint = "name the embedding model as the suite's judge embedding, and leave provider out"
        report(Issue(location=at, message=message, hint=hint))
    elif kind in JUDGED and not isinstance(provider, str):
        message = "promptfoo lets this provider grade, and it has settings of its own"
        hint = "make it a judge of the suite, and name it: judge: NAME"
        report(Issue(location=at, message=message, hint=hint))
    elif kind in JUDGED:
        own["judge"] = provider
    return own


def with_default(case: RawCase, default: RawCase) -> RawCase:
    """A test with the default laid under it, whose assertions it can leave out."""
    disabled = case.value.get("options", {}).get("disableDefaultAsserts", False)
    return laid_over(case, default, asserts=not disabled)


def laid_over(case: RawCase, under: RawCase, *, asserts: bool = True) -> RawCase:
    """A test with another one laid under it, whose assertions come first."""
    raw, below = case.value, under.value
    inherited = below["assert"] if asserts else []
    merged: dict[str, Any] = {**below, **raw}
    for key in ("vars", "options", "metadata"):
        merged[key] = {**below.get(key, {}), **raw.get(key, {})}
    merged["assert"] = [*inherited, *raw["assert"]]

    def locate(inner: Path) -> Location:
        if inner[:1] != ("assert",) or len(inner) == 1:
            is_below = inner[:1] == ("vars",) and len(inner) > 1 and inner[1] not in raw["vars"]
            return under.locate(inner) if is_below else case.locate(inner)
        number = int(inner[1])
        if number < len(inherited):
            return under.locate(inner)
        return case.locate(("assert", number - len(inherited), *inner[2:]))

    return RawCase(merged, locate)
