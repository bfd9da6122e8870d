"""Allow respelled-number: a number in a golden set whose text is compared and is not kept.

## What it does
Reports numbers and booleans without quotes that an assertion compares as text, where the text that
is compared is not the one that is written: `3.10` is read as 3.1, `12e7` as 120000000.

## Why is this bad?
`contains: 3.10` looks for 3.1, which 3.12 contains.

## Example
```yaml
assert:
  - {type: contains, value: 3.10}
```

## Use instead
```yaml
assert:
  - {type: contains, value: "3.10"}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.promptfoo.respelled import RESPELLED


def check(tree: LintTree) -> Iterator[Finding]:
    return findings_of_issues(RULE, tree, RULE.code)


RULE = Rule(
    code=RESPELLED,
    name="respelled-number",
    summary="a number whose text is compared, written another way than it is read",
    check=check,
)
