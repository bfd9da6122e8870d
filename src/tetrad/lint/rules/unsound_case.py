"""Allow unsound-case: a golden case that cannot be judged, says nothing, or the contrary of another.

## What it does
Reports assertions that cannot be evaluated: a `regex` that is none, a value of the wrong form, a
transform in JavaScript, `similar` without an embedding model, `retrieved` without a corpus, `cost`
without prices, a missing judge, a number whose text is compared and lost (`contains: 3.10` is read
as 3.1). Reports ids that stand twice, cases of the same variables whose
expectations exclude each other, cases that lack a variable which the prompt requires or give one a
value that it does not take, assertions that cannot fail (a `regex` that fits every text, a threshold
of 0) or cannot pass (`equals` with a text that is no label of the prompt's `enum`, `retrieved` of a
document that is in no corpus). As a warning it reports a golden set without a case, what the gate
asks of tags or metrics that no case has, variables that look like a misspelt optional one or are
keys of the case, and recorded tool results in a suite that says `tools: live`.

## Why is this bad?
Such a case is green or red whatever the model does, or never asks it, so the score says less than
it seems to. One that cannot be judged stops every evaluation of its suite.

## Example
```yaml
assert:
  - {type: regex, value: ".*"}
```

## Use instead
```yaml
assert:
  - {type: regex, value: "[A-Z]-[0-9]{4}"}
```
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tetrad.assertions.contradictions import Claims
from tetrad.assertions.needs import assertions_of, issues_when_rendered
from tetrad.assertions.vacuous import (
    has_template,
    is_exact,
    why_it_cannot_fail,
    why_it_cannot_pass,
)
from tetrad.canonical import Json
from tetrad.errors import Location
from tetrad.lint.given import keys_among_variables, lacking_variables, misspelt_variables
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.requirements import idle_requirements
from tetrad.lint.rule import Finding, Place, Rule, Span
from tetrad.lint.tree import Part, Tree
from tetrad.lint.unheeded import unknown_documents, unread_records
from tetrad.model import Assertion, Case, GoldenSet, Suite
from tetrad.schemas.nearest import did_you_mean


def check(tree: Tree) -> Iterator[Finding]:
    yield from findings_of_issues(RULE, tree, RULE.code)
    asked = frozenset(tree.names)
    goldens = {suite.golden.path: suite.golden for suite in tree.repository.suites.values()}
    ill = frozenset(i.location.file for i in tree.issues if i.code != RULE.code)
    for golden in (goldens[path] for path in goldens.keys() & asked):
        if not golden.cases and not ill & {golden.path, *golden.files}:
            yield _no_case(golden)
        for case in golden.cases:
            yield from _cannot_fail(tree, case)
        yield from _contradictions(tree, golden)
        for issue in issues_when_rendered(golden, _rendered):
            yield RULE.at(_place(tree, issue.location), issue.message, hint=issue.hint)
    for suite in tree.repository.suites.values():
        if suite.golden.path in asked:
            yield from _cannot_pass(tree, suite)
            yield from _unheeded(tree, suite)
        if suite.location.file in asked and not ill & {suite.golden.path, *suite.golden.files}:
            for said in idle_requirements(suite):
                place = _place(tree, said.location)
                yield RULE.at(place, said.message, hint=said.hint, severity="warning")
            yield from _unread(tree, suite)


def _no_case(golden: GoldenSet) -> Finding:
    place = Place(golden.path, Span(1, 1, 1, 1))
    message, hint = "this golden set has no case, so nothing is judged", "write the first case"
    return RULE.at(place, message, hint=hint, severity="warning")


def _rendered(value: Json, variables: Mapping[str, Json]) -> Json:
    from tetrad.templates.render import rendered  # a lint without templates starts without Jinja

    return rendered(value, variables)


def _cannot_fail(tree: Tree, case: Case) -> Iterator[Finding]:
    if case.threshold is not None and case.threshold <= 0:
        message = f"the case {case.id!r} cannot fail: its threshold is 0"
        yield RULE.at(_place(tree, case.location), message, hint="raise or remove the threshold")
    for item in case.assertions:
        reason = why_it_cannot_fail(item)
        if reason is not None:
            yield RULE.at(
                _place(tree, item.location),
                f"this assertion of {case.id!r} cannot fail: {reason}",
                hint="say what a wrong answer would lack, or remove it",
            )
        for inner in () if isinstance(item, Assertion) else item.assertions:
            reason = why_it_cannot_fail(inner)
            if reason is not None:
                message = f"this assertion of {case.id!r} cannot fail: {reason}"
                yield RULE.at(_place(tree, inner.location), message, hint="remove it")


def _cannot_pass(tree: Tree, suite: Suite) -> Iterator[Finding]:
    """Thresholds out of reach, and texts that no stack of the suite may answer."""
    enums = [stack.prompt.output.enum for stack in suite.stacks]
    labels = sorted({label for enum in enums for label in enum})
    for case in suite.golden.cases:
        for item in assertions_of(case):
            reason = why_it_cannot_pass(item)
            if reason is not None:
                message = f"this assertion of {case.id!r} cannot pass: {reason}"
                yield RULE.at(_place(tree, item.location), message, hint="write a share of 1")
    for case in suite.golden.cases if all(enums) else ():
        for item in assertions_of(case) if case.transform is None else ():
            if _asks_for_another(item, labels):
                yield RULE.at(
                    _place(tree, item.location),
                    f"this assertion of {case.id!r} cannot pass: {item.value!r} is no answer that "
                    f"the prompt's enum allows",
                    hint=did_you_mean(str(item.value), labels, f"they are {', '.join(labels)}"),
                )


def _asks_for_another(item: Assertion, labels: Sequence[str]) -> bool:
    is_literal = is_exact(item) and item.transform is None and not has_template(item.value)
    return is_literal and item.value not in labels


def _unheeded(tree: Tree, suite: Suite) -> Iterator[Finding]:
    for said in (*lacking_variables(suite), *unknown_documents(tree, suite)):
        yield RULE.at(_place(tree, said.location), said.message, hint=said.hint)
    for said in (*keys_among_variables(suite), *misspelt_variables(suite)):
        place = _place(tree, said.location)
        yield RULE.at(place, said.message, hint=said.hint, severity="warning")


def _unread(tree: Tree, suite: Suite) -> Iterator[Finding]:
    """Recorded results in a suite whose tools run live."""
    document = tree.documents[suite.location.file]
    live = Part(document, (), document.value).get("tools")
    message = unread_records(suite, tree.repository.suites.values()) if live else ""
    if live is not None and live.value == "live" and message:
        hint = "remove tools: live, or what the cases recorded"
        yield RULE.at(tree.value(live), message, hint=hint, severity="warning")


def _contradictions(tree: Tree, golden: GoldenSet) -> Iterator[Finding]:
    asked: defaultdict[str, Claims] = defaultdict(Claims)
    for case in golden.cases:
        answers = [[call.tool, call.arguments, call.result, call.error] for call in case.tools]
        claims = asked[json.dumps([case.vars, answers], sort_keys=True)]
        found = claims.contradicted_by(case)
        if found is not None:
            other, reason = found
            with_whom = "itself" if other is case else f"{other.id!r} with the same vars"
            yield RULE.at(
                _place(tree, case.location),
                f"the case {case.id!r} contradicts {with_whom}: {reason}",
                hint="keep the expectation that is right",
            )


def _place(tree: Tree, location: Location) -> Place:
    lines = tree.lines(location.file)
    return Place(location.file, lines.token(location.line, location.column), location.line)


RULE = Rule(
    code="GLD983",
    name="unsound-case",
    summary="a golden case that cannot be asked or judged, cannot fail, or contradicts another",
    check=check,
)
