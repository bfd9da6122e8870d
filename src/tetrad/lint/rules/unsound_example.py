"""Allow unsound-example: an example whose output breaks the prompt's own output contract.

## What it does
Holds the output of every example against the prompt's `output:`: one of the labels of `enum:`, or
JSON of the `schema:` where the `format:` is json.

## Why is this bad?
A model imitates its examples rather than the instruction: an example with a label that is none
teaches it to answer what the contract refuses.

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
                    f"this example's output breaks {breach.rule}: {shorten(breach.detail, 200)}",
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
    summary="an example whose output breaks the prompt's output contract",
    check=check,
)
