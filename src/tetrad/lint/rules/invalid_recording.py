"""Allow invalid-recording: a recorded tool call that violates the tool's schema.

## What it does
Validates recorded arguments against the tool's `input_schema`, and recorded results against its
`output_schema`.

## Why is this bad?
No call by the model can match such arguments, and the tool never returns such a result: the case
tests an answer that no user gets.

## Example
```yaml
# the tool says: output_schema: {type: object, required: [state]}
tools: [{tool: order_state, result: {status: sent}}]
```

## Use instead
```yaml
tools: [{tool: order_state, result: {state: sent}}]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.loading.case_tools import INVALID_RECORDING


def check(tree: LintTree) -> Iterator[Finding]:
    return findings_of_issues(RULE, tree, RULE.code)


RULE = Rule(
    code=INVALID_RECORDING,
    name="invalid-recording",
    summary="a recorded tool call that violates the tool's schema",
    check=check,
)
