"""Allow empty-golden-set: a golden set without cases.

## What it does
Reports golden sets that have no cases.

## Why is this bad?
Nothing is evaluated, and nothing shows that.

## Example
```yaml
# evals/triage/golden.yaml
[]
```

## Use instead
```yaml
# evals/triage/golden.yaml
- {vars: {message: I want a refund}, assert: [{type: equals, value: returns}]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding, Place
from tetrad.lint.goldens import golden_sets, whole_sets
from tetrad.lint.positions import Range
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    whole = whole_sets(tree)
    for golden in golden_sets(tree):
        if not golden.cases and golden.path in whole:
            place = Place(golden.path, Range(1, 1, 1, 1))
            message = "this golden set has no cases, so nothing is evaluated"
            yield RULE.at(place, message, hint="write the first case")


RULE = Rule(
    code="GLD993",
    name="empty-golden-set",
    summary="a golden set without cases",
    severity="warning",
    check=check,
)
