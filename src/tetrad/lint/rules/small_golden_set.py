"""Allow small-golden-set: too few cases for what the gate requires.

## What it does
Reports requirements with `by: bound` that so few cases can never meet: even if every case scores the
same on both sides, the interval extends below the margin (3/n, the rule of three).

## Why is this bad?
The gate can never pass, whatever the change.

## Example
```yaml
# ten cases
gate: [{metric: answer, no_worse_than_base: 0.05, by: bound}]
```

## Use instead
```yaml
# sixty cases or more, or
gate: [{metric: answer, no_worse_than_base: 0.05}]
```
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from tetrad.lint.finding import Finding
from tetrad.lint.goldens import place, suites
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import NoWorseThanBase

_OF_THREE = 3  # policy.statistics widens no interval less than that, over n


def check(tree: LintTree) -> Iterator[Finding]:
    for suite in suites(tree):
        n = len({case.group or case.id for case in suite.golden.cases})
        for requirement in suite.gate if n else ():
            if not isinstance(requirement, NoWorseThanBase) or requirement.by != "bound":
                continue
            if requirement.margin > 0 and n * requirement.margin < _OF_THREE:
                least = ceil(_OF_THREE / requirement.margin)
                message = (
                    f"{n} independent cases cannot show a margin of {requirement.margin:g} by their"
                    f" bound: at least {least:,} are needed"
                )
                hint = "add cases, or set by: value"
                yield RULE.at(place(tree, requirement.location), message, hint=hint)


RULE = Rule(
    code="GLD984",
    name="small-golden-set",
    summary="too few cases for a requirement with `by: bound`",
    severity="warning",
    check=check,
)
