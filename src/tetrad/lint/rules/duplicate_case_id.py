"""Allow duplicate-case-id: two golden cases with the same id.

## What it does
Reports every further case with an id that is taken, and the id `gate`, which is the name of the suite's own result in
pytest and JUnit.

## Why is this bad?
Reports, waivers and comparisons with the base refer to cases by id.

## Example
```yaml
- {id: refund, vars: {message: Give me my money back}}
- {id: refund, vars: {message: I want a refund}}
```

## Use instead
```yaml
- {id: refund-rude, vars: {message: Give me my money back}}
- {id: refund, vars: {message: I want a refund}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.golden.load import DUPLICATE_ID
from tetrad.lint.finding import Finding
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    return findings_of_issues(RULE, tree, RULE.code)


RULE = Rule(
    code=DUPLICATE_ID,
    name="duplicate-case-id",
    summary="two golden cases with the same id",
    check=check,
)
