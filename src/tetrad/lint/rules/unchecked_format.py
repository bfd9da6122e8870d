"""Allow unchecked-format: a `format` in a JSON Schema that nothing checks.

## What it does
Reports `format` names that no validator here knows, in `output: {schema: …}`, in the schemas of tools
and in those of `is-json` and `contains-json`. The formats of JSON Schema (draft 2020-12) are all checked.

## Why is this bad?
JSON Schema lets unknown formats pass, so a misspelt `datetime` accepts every text.

## Example
```yaml
schema:
  type: object
  properties: {sent: {type: string, format: datetime}}
  required: [sent]
  additionalProperties: false
```

## Use instead
```yaml
schema:
  type: object
  properties: {sent: {type: string, format: date-time}}
  required: [sent]
  additionalProperties: false
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.schemas.checked_formats import UNCHECKED


def check(tree: LintTree) -> Iterator[Finding]:
    yield from findings_of_issues(RULE, tree, RULE.code)


RULE = Rule(
    code=UNCHECKED,
    name="unchecked-format",
    summary="a format in a JSON Schema that nothing checks",
    severity="warning",
    check=check,
)
