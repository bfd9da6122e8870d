"""Allow self-judged: a judge that evaluates its own answers.

## What it does
Reports suites whose judge is the model of one of its stacks.

## Why is this bad?
Models prefer their own answers, and a model that makes a mistake overlooks it as a judge.

## Example
```yaml
kind: suite
stacks: [stacks/reply]  # model: stacks/models/large
judges: {default: {model: stacks/models/large}}
```

## Use instead
```yaml
kind: suite
stacks: [stacks/reply]
judges: {default: {model: stacks/models/judge}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.identity import component_digest
from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part
from tetrad.model import EMBEDDING_JUDGE


def check(tree: LintTree) -> Iterator[Finding]:
    asked = frozenset(tree.names)
    for suite in tree.repository.suites.values():
        if suite.location.file not in asked:
            continue
        judged = {component_digest(stack.model): stack.ref for stack in suite.stacks}
        for judge in suite.judges.values():
            stack = judged.get(component_digest(judge.model))
            if stack is not None and judge.name != EMBEDDING_JUDGE:
                part = Part(tree.documents[suite.location.file], ("judges", judge.name), None)
                message = f"the judge {judge.name!r} is the model of {stack}, which it judges"
                yield RULE.at(tree.key(part), message, hint="use another model as the judge")


RULE = Rule(
    code="GLD980",
    name="self-judged",
    summary="a judge that is the same model as the one it judges",
    severity="warning",
    scope="repository",
    check=check,
)
