"""Allow assertion-cannot-fail: an assertion that every answer passes.

## What it does
Reports a `regex` that matches every text, a Python expression that is always true, and a threshold
of 0 on an assertion, a set of assertions or a case.

## Why is this bad?
The case passes whatever the model answers, so the score means less than it seems to.

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

from collections.abc import Iterator

from tetrad.assertions.checks import why_it_cannot_fail
from tetrad.lint.finding import Finding
from tetrad.lint.goldens import golden_sets, place
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import Assertion, Case


def check(tree: LintTree) -> Iterator[Finding]:
    for golden in golden_sets(tree):
        for case in golden.cases:
            yield from _of_case(tree, case)


def _of_case(tree: LintTree, case: Case) -> Iterator[Finding]:
    if case.threshold is not None and case.threshold <= 0:
        message = f"the case {case.id!r} cannot fail: its threshold is 0"
        yield RULE.at(place(tree, case.location), message, hint="raise or remove the threshold")
    for item in case.assertions:
        reason = why_it_cannot_fail(item)
        if reason is not None:
            yield RULE.at(
                place(tree, item.location),
                f"this assertion of {case.id!r} cannot fail: {reason}",
                hint="assert something that a wrong answer lacks, or remove it",
            )
        for inner in () if isinstance(item, Assertion) else item.assertions:
            reason = why_it_cannot_fail(inner)
            if reason is not None:
                message = f"this assertion of {case.id!r} cannot fail: {reason}"
                yield RULE.at(place(tree, inner.location), message, hint="remove it")


RULE = Rule(
    code="GLD988",
    name="assertion-cannot-fail",
    summary="an assertion that every answer passes",
    check=check,
)
