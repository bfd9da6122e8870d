"""Allow missing-max-tokens: a stack whose answers have no length limit.

## What it does
Reports stacks where neither the prompt nor the stack itself sets `max_tokens`.

## Why is this bad?
An answer that never ends costs as much as hundreds of others, and defaults differ between servers.

## Example
```yaml
generation: {temperature: 0}
```

## Use instead
```yaml
generation: {temperature: 0, max_tokens: 300}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part


def check(tree: LintTree) -> Iterator[Finding]:
    asked = frozenset(tree.names)
    for stack in tree.repository.stacks.values():
        if stack.location.file in asked and stack.generation.max_tokens is None:
            prompt = Part(tree.documents[stack.location.file], ("prompt",), stack.prompt.ref)
            message = "max_tokens is not set, so answers have no length limit"
            hint = f"add max_tokens to generation: in {stack.prompt.location.file}, or here"
            yield RULE.at(tree.value(prompt), message, hint=hint)


RULE = Rule(
    code="BUD603",
    name="missing-max-tokens",
    summary="a stack whose answers have no length limit",
    scope="stack",
    check=check,
)
