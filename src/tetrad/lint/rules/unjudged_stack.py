"""Allow unjudged-stack: a stack that no suite judges.

## What it does
Reports stacks that are in no suite.

## Why is this bad?
Nothing is evaluated when it changes, so every change passes.

## Example
```yaml
# evals/triage/suite.yaml
stacks: [stacks/triage]
# and no suite names stacks/summary
```

## Use instead
```yaml
# evals/summary/suite.yaml
stacks: [stacks/summary]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding, Place
from tetrad.lint.positions import Range
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    listed = [suite.get("stacks") for suite in tree.components("suite")]
    if not tree.whole or None in listed:
        return
    # Those of suites that do not load, too.
    named = {
        str(part.value).removesuffix(".yaml").removesuffix(".yml")
        for stacks in listed
        if stacks
        for part in stacks.parts()
    }
    asked = frozenset(tree.names)
    for stack in tree.repository.stacks.values():
        judged = tree.repository.suites_by_stack.get(stack.ref) or stack.ref in named
        if not judged and stack.location.file in asked:
            place = Place(stack.location.file, Range(1, 1, 1, 1))
            yield RULE.at(place, "no suite judges this stack", hint="add a suite under evals/")


RULE = Rule(
    code="GLD985",
    name="unjudged-stack",
    summary="a stack that no suite judges",
    severity="warning",
    scope="repository",
    check=check,
)
