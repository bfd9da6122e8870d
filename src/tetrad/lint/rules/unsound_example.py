"""Allow unsound-example: an example whose output violates the prompt's own output contract.

## What it does
Checks the output of every example against the prompt's `output:`: it must be one of the `enum:`, or
JSON that matches the `schema:` if the `format:` is json.

## Why is this bad?
Models imitate examples more than they follow instructions: an example with an unknown label teaches
the model to answer what the contract rejects.

## Example
```yaml
examples: [{vars: {message: Where is my parcel?}, output: shipping}]
output: {format: text, enum: [billing, delivery]}
```

## Use instead
```yaml
examples: [{vars: {message: Where is my parcel?}, output: delivery}]
output: {format: text, enum: [billing, delivery]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding, Place
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import Example, Prompt
from tetrad.schemas.check import schema_problem
from tetrad.text import shorten


def check(tree: LintTree) -> Iterator[Finding]:
    asked = frozenset(tree.names)
    for prompt in tree.repository.prompts.values():
        examples = [e for e in prompt.examples if e.location.file in asked]
        if not examples or not _has_contract(prompt):
            continue
        from tetrad.runtime.guards import Contract, trimmed  # most files have no need of it

        contract = Contract(prompt.output)
        for example in examples:
            breach = next(contract.broken(trimmed(example.output)), None)
            if breach is not None:
                yield RULE.at(
                    _place(tree, example),
                    f"this example's output violates {breach.rule}: {shorten(breach.detail, 200)}",
                    hint=f"correct it, or the output: of {prompt.location.file}",
                )


def _has_contract(prompt: Prompt) -> bool:
    """Whether there is one to hold examples against; a schema that is none is another finding."""
    schema = prompt.output.schema
    if schema is not None and schema_problem(schema) is not None:
        return False
    return bool(prompt.output.enum) or prompt.output.format == "json"


def _place(tree: LintTree, example: Example) -> Place:
    location = example.location
    lines = tree.lines(location.file)
    return Place(location.file, lines.token(location.line, location.column), location.line)


RULE = Rule(
    code="OUT703",
    name="unsound-example",
    summary="an example whose output violates the prompt's output contract",
    check=check,
)
