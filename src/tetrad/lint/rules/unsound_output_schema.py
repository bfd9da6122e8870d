"""Allow unsound-output-schema: an answer's JSON Schema that is invalid, remote or open.

## What it does
Reports an `output: {schema: …}` that is no valid JSON Schema (draft 2020-12), that refers to
something outside of itself, that has objects without `additionalProperties: false`, or that requires
a property which it does not take.

## Why is this bad?
An open object lets a model add whatever it likes, also what an injected text asks for; decoding
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
    summary="output schema that is invalid, refers elsewhere, or is open",
    check=check,
)
