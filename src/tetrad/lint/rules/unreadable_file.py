"""Allow unreadable-file: a file that is not UTF-8, not YAML 1.2, or outside the repository.

## What it does
Reports files that cannot be read at all: bytes that are not UTF-8, text that is not YAML, tabs in
the indentation, and symbolic links that lead out of the repository.

## Why is this bad?
Such a file has no digest, cannot be evaluated, and no other rule can check it. A link out of the
repository would make the identity depend on a file that the repository does not contain.

## Example
```yaml
kind: prompt
messages: [{role: user, content: Hello.}
```

## Use instead
```yaml
kind: prompt
messages: [{role: user, content: Hello.}]
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
    code="SCH100",
    name="unreadable-file",
    summary="not YAML 1.2, not UTF-8, tabs in the indentation, a link out of the repository",
    sealed=True,
    check=check,
)
