"""Allow json-without-schema: an answer that must be JSON, of no stated shape.

## What it does
Reports prompts with `output: {format: json}` and no `schema:`.

## Why is this bad?
Whatever parses the answer relies on keys that nothing promises, and decoding cannot be constrained
to them (OWASP LLM05, improper output handling).

## Example
```yaml
output: {format: json}
```

## Use instead
```yaml
output:
  format: json
  schema:
    type: object
    properties: {queue: {enum: [billing, delivery]}}
    required: [queue]
    additionalProperties: false
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.rule import Finding, Rule
from tetrad.lint.tree import Tree


def check(tree: Tree) -> Iterator[Finding]:
    for prompt in tree.components("prompt"):
        output = prompt.get("output")
        form = prompt.get("output", "format")
        if output is None or form is None or form.value != "json":
            continue
        if output.get("schema") is None:
            yield RULE.at(
                tree.value(form),
                "the answer is JSON of no stated shape",
                hint="add schema: with a JSON Schema of the answer",
            )


RULE = Rule(
    code="OUT701",
    name="json-without-schema",
    summary="JSON asked for without a schema",
    check=check,
)
