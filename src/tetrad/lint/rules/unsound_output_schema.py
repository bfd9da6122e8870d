"""Allow unsound-output-schema: an answer's JSON Schema that is invalid, remote or open.

## What it does
Reports an `output: {schema: …}` that is not a valid JSON Schema (draft 2020-12), refers to
something outside itself, has objects without `additionalProperties: false`, or requires a property
that it does not allow.

## Why is this bad?
An open object lets the model add anything, including what an injected text asks for, and decoding
cannot be constrained to it (OWASP LLM05). A remote part can change without a commit.

## Example
```yaml
schema:
  type: object
  properties: {queue: {type: string}}
```

## Use instead
```yaml
schema:
  type: object
  properties: {queue: {type: string}}
  required: [queue]
  additionalProperties: false
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.json_schemas import findings_of_schema
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    for prompt in tree.components("prompt"):
        schema = prompt.get("output", "schema")
        if schema is not None:
            yield from findings_of_schema(RULE, tree, schema)


RULE = Rule(
    code="OUT702",
    name="unsound-output-schema",
    summary="an output schema that is invalid, remote or open",
    check=check,
)
