"""Allow respelled-number: a number that is compared or shown as text, but read differently.

## What it does
Reports unquoted numbers and booleans that an assertion compares as text, if their text changes when
they are read: `3.10` becomes 3.1, and `12e7` becomes 120000000. So it does of numbers that prompts
show: in the `vars` and recorded tool results of a golden set, the files that it names, and the defaults
and examples of prompts. What is only shown is reported by `tetrad lint`, and stops no gate.

## Why is this bad?
`contains: 3.10` looks for 3.1, which 3.12 contains, and `vars: {version: 3.10}` asks about version 3.1.

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
    summary="an unquoted number that is compared or shown as text, and whose text changes when it is read",
    check=check,
)
