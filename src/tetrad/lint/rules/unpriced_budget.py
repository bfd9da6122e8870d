"""Allow unpriced-budget: a limit of money for a model whose prices are not stated.

## What it does
Reports `usd_per_day` and `warn_usd_per_day` in the budget of a stack whose model is a vendor's and has
no `prices`.

## Why is this bad?
Without prices an answer costs nothing, as far as the gateway knows: the limit never refuses anything, and the vendor's bill grows.

## Example
```yaml
kind: model
source: vendor://openai/gpt-4o-2024-08-06
engine: {openai: {model: gpt-4o-2024-08-06}}
```

## Use instead
```yaml
kind: model
source: vendor://openai/gpt-4o-2024-08-06
engine: {openai: {model: gpt-4o-2024-08-06}}
prices: {input: 2.5, output: 10}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    for part in tree.components("stack"):
        stack = tree.repository.stacks.get(part.file.removesuffix(".yaml").removesuffix(".yml"))
        if stack is None or stack.model.source.scheme != "vendor" or stack.model.prices is not None:
            continue
        for key in ("usd_per_day", "warn_usd_per_day"):
            limit = part.get("serving", "budget", key)
            if limit is not None:
                message = f"{stack.model.ref} has no prices, so its answers count as free"
                hint = f"add prices: {{input: …, output: …}} to {stack.model.location.file}"
                yield RULE.at(tree.key(limit), message, hint=hint)


RULE = Rule(
    code="SRV973",
    name="unpriced-budget",
    summary="a limit of money for a model whose prices are not stated",
    severity="warning",
    scope="repository",
    check=check,
)
