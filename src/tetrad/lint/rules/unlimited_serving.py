"""Allow unlimited-serving: serving without a budget, a fallback or a condition that stops a rollout.

## What it does
Reports stacks that name environments and lack `serving.budget`, `serving.fallback`, or
`abort_if` in a rollout.

## Why is this bad?
Without limits, costs are unlimited, and a rollout that nothing stops reaches 100 %.

## Example
```yaml
serving: {environments: [production], rollout: {steps: [5, 100]}}
```

## Use instead
```yaml
serving:
  environments: [production]
  rollout: {steps: [5, 100], abort_if: {error_rate: 0.02}}
  budget: {usd_per_day: 20}
  fallback: previous
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part


def check(tree: LintTree) -> Iterator[Finding]:
    for stack in tree.components("stack"):
        serving, environments = stack.get("serving"), stack.get("serving", "environments")
        if serving is None or environments is None or not environments.value:
            continue
        lacking = list(_lacking(serving))
        if lacking:
            message = f"serving has no {', no '.join(lacking)}"
            yield RULE.at(tree.key(serving), message, hint="add what is missing under serving:")


def _lacking(serving: Part) -> Iterator[str]:
    for name in ("budget", "fallback"):
        if serving.get(name) is None:
            yield name
    if serving.get("rollout") is not None and serving.get("rollout", "abort_if") is None:
        yield "rollout.abort_if"


RULE = Rule(
    code="SRV971",
    name="unlimited-serving",
    summary="serving without a budget, a fallback or a condition that stops a rollout",
    severity="warning",
    check=check,
)
