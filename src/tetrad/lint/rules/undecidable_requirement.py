"""Allow undecidable-requirement: a gate requirement that no case tests, or that every answer meets.

## What it does
Reports requirements on tags or metrics that no case has, and a `min` of 0.

## Why is this bad?
The gate seems to enforce something that it does not.

## Example
```yaml
# no case has the tag
gate:
  - {must_pass: {tag: saftey}}
```

## Use instead
```yaml
gate:
  - {must_pass: {tag: safety}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.goldens import place, suites
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import AssertionSet, Case, Minimum, MustPass, NoWorseThanBase, Suite
from tetrad.schemas.nearest import did_you_mean


def check(tree: LintTree) -> Iterator[Finding]:
    for suite in suites(tree):
        if suite.golden.cases:
            yield from _undecidable(tree, suite)


def _undecidable(tree: LintTree, suite: Suite) -> Iterator[Finding]:
    tags = sorted({tag for case in suite.golden.cases for tag in case.tags})
    metrics = {name for case in suite.golden.cases for name in _metrics(case, suite.metrics[0])}
    for requirement in suite.gate:
        there = place(tree, requirement.location)
        match requirement:
            case MustPass():
                for tag in (tag for tag in requirement.tags if tag not in tags):
                    hint = did_you_mean(tag, tags, "tag the cases that must pass")
                    yield RULE.at(there, _no_case(suite, f"the tag {tag!r}"), hint=hint)
            case Minimum() | NoWorseThanBase() if requirement.metric not in metrics:
                named = f"an assertion of the metric {requirement.metric!r}"
                hint = f"write metric: {requirement.metric} at the assertions that it scores"
                yield RULE.at(there, _no_case(suite, named), hint=hint)
            case Minimum() if requirement.min <= 0:
                message = "every answer reaches a mean of at least 0"
                yield RULE.at(there, message, hint="raise min, or remove it")


def _metrics(case: Case, first: str) -> Iterator[str]:
    """The metrics that a case has a score of; assertions that name none are of the first."""
    for item in case.assertions:
        yield item.metric or first
        if isinstance(item, AssertionSet):
            yield from (inner.metric for inner in item.assertions if inner.metric is not None)


def _no_case(suite: Suite, named: str) -> str:
    return f"no case of {suite.golden.path} has {named}, so the gate has nothing to decide on"


RULE = Rule(
    code="GLD994",
    name="undecidable-requirement",
    summary="a gate requirement that no case tests, or that every answer meets",
    severity="warning",
    check=check,
)
