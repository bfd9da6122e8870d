"""Allow unknown-tool: a golden case names a tool that no stack of its suite has.

## What it does
Looks up the tools of recorded results and of `tool-called` among the tools of the suite's stacks, by
the names that the model uses.

## Why is this bad?
The recorded result is never used, and the expected call never happens.

## Example
```yaml
- vars: {message: Where is A-1?}
  tools: [{tool: order_sate, result: sent}]
```

## Use instead
```yaml
- vars: {message: Where is A-1?}
  tools: [{tool: order_state, result: sent}]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.loading.case_tools import UNKNOWN_TOOL


def check(tree: LintTree) -> Iterator[Finding]:
    return findings_of_issues(RULE, tree, RULE.code)


RULE = Rule(
    code=UNKNOWN_TOOL,
    name="unknown-tool",
    summary="a golden case names a tool that no stack of its suite has",
    check=check,
)
