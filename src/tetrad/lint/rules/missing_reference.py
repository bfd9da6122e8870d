"""Allow missing-reference: a reference to a missing file, or a circular reference.

## What it does
Reports references (`prompt:`, `model:`, `use:`, `stacks:`, `extends:`, `golden:`, `file://…`) whose
file does not exist, is outside the repository, or leads back to itself.

## Why is this bad?
A stack with a missing or circular part has no identity.

## Example
```yaml
kind: stack
prompt: prompts/triaje
```

## Use instead
```yaml
kind: stack
prompt: prompts/triage
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
    code="SCH107",
    name="missing-reference",
    summary="a reference to a missing file, or a circular reference",
    sealed=True,
    scope="repository",
    check=check,
)
