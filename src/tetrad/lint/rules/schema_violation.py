"""Allow schema-violation: a file that does not match the JSON Schema of its kind.

## What it does
Validates every file against the schema of its kind (`tetrad schema KIND` prints it) and reports
unknown keys, with the nearest known one, wrong types, missing keys and values that do not match.

## Why is this bad?
A misspelt key is a setting that is silently missing: with `temprature: 0`, the engine samples at its
own default.

## Example
```yaml
generation:
  temprature: 0
```

## Use instead
```yaml
generation:
  temperature: 0
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree

# Numbers that canonical JSON cannot carry, and old versions, are refused by the loader too; their
# own rules are not supported yet, and no issue of a file may get lost.
_WITHOUT_RULE = ("SCH103", "SCH105", "SCH106")


def check(tree: LintTree) -> Iterator[Finding]:
    yield from findings_of_issues(RULE, tree, RULE.code, *_WITHOUT_RULE)


RULE = Rule(
    code="SCH104",
    name="schema-violation",
    summary="unknown key, wrong type or pattern, missing key",
    sealed=True,
    check=check,
)
