"""Allow unsound-case: a golden case that cannot be judged, says nothing, or the contrary of another.

## What it does
Reports assertions that cannot be evaluated: a `regex` that is none, a value of the wrong form, a
transform in JavaScript, `similar` without an embedding model, `retrieved` without a corpus, `cost`
without prices, a missing judge. Reports ids that stand twice, cases of the same variables whose
expectations exclude each other, cases that lack a variable which the prompt requires, and
assertions that cannot fail: a `regex` that fits every text, a threshold of 0.

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
from collections.abc import Iterator, Mapping

from tetrad.canonical import Json
from tetrad.errors import Location
from tetrad.lint.assertions import contradiction, why_it_cannot_fail
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.rule import Finding, Place, Rule
from tetrad.lint.tree import Tree
from tetrad.spec.assertions.needs import issues_when_rendered
from tetrad.spec.model import Assertion, Case, GoldenSet, Suite
from tetrad.spec.nearest import nearest


def check(tree: Tree) -> Iterator[Finding]:
    yield from findings_of_issues(RULE, tree, RULE.code)
    asked = frozenset(tree.names)
    goldens = {suite.golden.path: suite.golden for suite in tree.repository.suites.values()}
    for golden in (goldens[path] for path in goldens.keys() & asked):
        for case in golden.cases:
            yield from _cannot_fail(tree, case)
        yield from _contradictions(tree, golden)
        for issue in issues_when_rendered(golden, _rendered):
            yield RULE.at(_place(tree, issue.location), issue.message, hint=issue.hint)
    for suite in tree.repository.suites.values():
        if suite.golden.path in asked:
            yield from _lacking(tree, suite)


def _rendered(value: Json, variables: Mapping[str, Json]) -> Json:
    from tetrad.runtime.render import rendered  # a lint without templates starts without Jinja

    return rendered(value, variables)


def _lacking(tree: Tree, suite: Suite) -> Iterator[Finding]:
    """Cases that cannot be asked of every stack of their suite."""
    required = {
        name: stack
        for stack in suite.stacks
        for name, variable in stack.prompt.variables.items()
        if variable.required and (stack.retrieval is None or stack.retrieval.into != name)
    }
    for case in suite.golden.cases:
        for name in sorted(required.keys() - case.vars.keys()):
            prompt = required[name].prompt
            near = nearest(name, [given for given in case.vars if given not in prompt.variables])
            yield RULE.at(
                _place(tree, case.location),
                f"the case {case.id!r} gives no {name!r}, which {prompt.ref} requires",
                hint=f"rename {near!r} to it" if near else "give it in the case's vars",
            )


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


def _contradictions(tree: Tree, golden: GoldenSet) -> Iterator[Finding]:
    asked: defaultdict[str, list[Case]] = defaultdict(list)
    for case in golden.cases:
        answers = [[call.tool, call.arguments, call.result, call.error] for call in case.tools]
        asked[json.dumps([case.vars, answers], sort_keys=True)].append(case)
    for cases in asked.values():
        for number, case in enumerate(cases):
            for other in cases[: number + 1]:
                reason = contradiction(other, case)
                if reason is not None:
                    with_whom = "itself" if other is case else f"{other.id!r} with the same vars"
                    yield RULE.at(
                        _place(tree, case.location),
                        f"the case {case.id!r} contradicts {with_whom}: {reason}",
                        hint="keep the expectation that is right",
                    )
                    break


def _place(tree: Tree, location: Location) -> Place:
    lines = tree.lines(location.file)
    return Place(location.file, lines.token(location.line, location.column), location.line)


RULE = Rule(
    code="GLD983",
    name="unsound-case",
    summary="a golden case that cannot be asked or judged, cannot fail, or contradicts another",
    check=check,
)
