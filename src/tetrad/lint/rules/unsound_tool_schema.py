"""Allow unsound-tool-schema: a tool's JSON Schema that is invalid, remote, open or untyped.

## What it does
Reports an `input_schema:` that is not a valid JSON Schema (draft 2020-12), refers to something
outside itself, has objects without `additionalProperties: false` or properties without a type, or
requires a property that it does not allow. An `output_schema:` must be valid, refer to nothing
outside itself, and require nothing that it does not allow.

## Why is this bad?
The model writes a tool's arguments, and may write what an injected text asks for. The tool gets
whatever the schema allows (OWASP LLM06, excessive agency).

## Example
```yaml
input_schema: {type: object, properties: {order_id: {}}}
```

## Use instead
```yaml
input_schema:
  type: object
  properties: {order_id: {type: string, pattern: "^[A-Z]-[0-9]{4}$"}}
  required: [order_id]
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
    for tool in tree.components("tool"):
        arguments = tool.get("input_schema")
        if arguments is not None:
            yield from findings_of_schema(RULE, tree, arguments, typed=True)
        result = tool.get("output_schema")
        if result is not None:
            yield from findings_of_schema(RULE, tree, result, may_be_open=True)


RULE = Rule(
    code="TOL961",
    name="unsound-tool-schema",
    summary="a tool schema that is invalid, remote, open or untyped",
    check=check,
)
