"""Allow broad-tool-parameter: a parameter with which a model can do anything.

## What it does
Reports free-text tool parameters that are named or described as SQL, a shell command or code and
have no `enum`, `const` or `pattern`.

## Why is this bad?
Whoever can talk to the model can reach the database or the machine. Grant least privilege.

## Example
```yaml
input_schema:
  type: object
  properties: {sql: {type: string, description: The query to run.}}
```

## Use instead
```yaml
input_schema:
  type: object
  properties:
    report: {enum: [orders_by_day, returns_by_queue], description: The report to run.}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part

_NAMES: Mapping[str, str] = {
    "sql": "SQL", "sql_query": "SQL", "raw_sql": "SQL", "sql_statement": "SQL",
    "command": "a command", "cmd": "a command", "shell": "a command", "shell_command": "a command",
    "bash": "a command", "script": "code", "python_code": "code", "code": "code",
}  # fmt: skip
_DESCRIBED = re.compile(r"(?i)\b(?:raw |arbitrary |any )?(SQL (?:query|statement)|shell command)\b")
_LIMITS = frozenset({"enum", "const", "pattern", "format"})


def check(tree: LintTree) -> Iterator[Finding]:
    for tool in tree.components("tool"):
        properties = tool.get("input_schema", "properties")
        for part in properties.parts() if properties is not None else ():
            what = _what(part)
            if what:
                message = f"by {part.path[-1]!r} the model passes {what}, and nothing limits it"
                hint = "limit it with enum: or pattern:, or write one tool per operation"
                yield RULE.at(tree.key(part), message, hint=hint)


def _what(part: Part) -> str:
    """What a parameter takes that can do anything; empty where it takes no such thing."""
    schema = part.value
    if not isinstance(schema, dict) or schema.get("type") != "string" or _LIMITS & schema.keys():
        return ""
    described = _DESCRIBED.search(str(schema.get("description", "")))
    if described:
        return "SQL" if "sql" in described[0].lower() else "a command"
    return _NAMES.get(str(part.path[-1]).lower(), "")


RULE = Rule(
    code="TOL965",
    name="broad-tool-parameter",
    summary="a parameter that accepts any SQL, command or code",
    severity="warning",
    check=check,
)
