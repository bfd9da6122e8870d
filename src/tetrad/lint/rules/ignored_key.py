"""Allow ignored-key: a key of a promptfoo file that is not applied.

## What it does
Reports top-level keys of a promptfoo config, and keys in a test's `options`, that have no effect in
Tetrad: promptfoo passes them to its own command or to the provider.

## Why is this bad?
`options: {temperature: 0}` looks as if the case ran at that temperature. In Tetrad, the stack and its
prompt define how answers are generated, for all cases alike.

## Example
```yaml
- vars: {question: How many days of leave do I get?}
  options: {temperature: 0}
```

## Use instead
```yaml
# in the prompt or the stack
generation: {temperature: 0}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.promptfoo.schema_checks import IGNORED


def check(tree: LintTree) -> Iterator[Finding]:
    yield from findings_of_issues(RULE, tree, RULE.code)


RULE = Rule(
    code=IGNORED,
    name="ignored-key",
    summary="a key of a promptfoo file that is not applied",
    severity="warning",
    check=check,
)
