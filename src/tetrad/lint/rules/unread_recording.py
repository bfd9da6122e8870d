"""Allow unread-recording: recorded tool results in a suite whose tools run live.

## What it does
Reports suites with `tools: live` whose golden set has recorded results, unless another suite with
the same golden set uses them.

## Why is this bad?
The recordings look as if they determined what the tools return, and they do not.

## Example
```yaml
kind: suite
stacks: [stacks/desk]
golden: ./golden.yaml  # its cases have tools: [{tool: state, result: sent}]
tools: live
```

## Use instead
```yaml
kind: suite
stacks: [stacks/desk]
golden: ./golden.yaml
```
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.goldens import suites
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part
from tetrad.model import Suite
from tetrad.text import pluralize


def check(tree: LintTree) -> Iterator[Finding]:
    for suite in suites(tree):
        document = tree.documents[suite.location.file]
        live = Part(document, (), document.value).get("tools")
        if live is None or live.value != "live":
            continue
        message = _unread(suite, tree.repository.suites.values())
        if message:
            hint = "remove tools: live, or the recorded results"
            yield RULE.at(tree.value(live), message, hint=hint)


def _unread(suite: Suite, suites: Collection[Suite]) -> str:
    """What cases recorded of tools that run all the same, empty where another suite reads it."""
    shared = (other for other in suites if other.golden.path == suite.golden.path)
    if any(other.tools == "recorded" for other in shared):
        return ""
    recorded = [case for case in suite.golden.cases if case.tools]
    if not recorded:
        return ""
    first = recorded[0]
    return (
        f"tools run live here, so what {pluralize(len(recorded), 'case')} of {suite.golden.path} "
        f"recorded is not read: {first.id!r} in line {first.location.line}"
        f"{' is the first' if len(recorded) > 1 else ''}"
    )


RULE = Rule(
    code="GLD995",
    name="unread-recording",
    summary="recorded tool results in a suite whose tools run live",
    severity="warning",
    check=check,
)
