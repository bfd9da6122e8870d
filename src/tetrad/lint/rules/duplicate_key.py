"""Allow duplicate-key: the same key twice in one mapping.

## What it does
Reports a key that occurs twice in a mapping, with the line of the first.

## Why is this bad?
Most parsers silently keep the last one, so the first value, which a reader sees, is never used.

## Example
```yaml
generation:
  temperature: 0
  max_tokens: 8
  temperature: 1
```

## Use instead
```yaml
generation:
  temperature: 0
  max_tokens: 8
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    yield from findings_of_issues(RULE, tree, RULE.code)


RULE = Rule(
    code="SCH102",
    name="duplicate-key",
    summary="the same key twice in one mapping",
    sealed=True,
    check=check,
)
