"""Allow unclear-tool: a tool whose use a model has to guess.

## What it does
Reports descriptions that have fewer than 20 or more than 1,024 characters or repeat the name, and
parameters without a description (one finding per tool; an `enum` or a `const` is enough).

## Why is this bad?
Models choose tools and arguments by their descriptions, and APIs truncate long ones.

## Example
```yaml
kind: tool
name: lookup
description: Lookup.
input_schema: {type: object, properties: {q: {type: string}}, additionalProperties: false}
```

## Use instead
```yaml
kind: tool
name: lookup
description: Look up the state of an order.
input_schema:
  type: object
  properties: {q: {type: string, description: "The number of the order, for example A-1234."}}
  additionalProperties: false
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part

_LEAST, _MOST = 20, 1_024
_SAYS_ENOUGH = ("description", "title", "enum", "const", "$ref")


def check(tree: LintTree) -> Iterator[Finding]:
    for tool in tree.components("tool"):
        description, name = tool.get("description"), tool.get("name")
        if description is not None and description.text is not None:
            problem = _problem(description.text, "" if name is None else name.text or "")
            if problem:
                hint = "describe what the tool does, and when to call it"
                yield RULE.at(tree.value(description), problem, hint=hint)
        yield from _undescribed(tree, tool)


def _problem(description: str, name: str) -> str:
    length = len(description.strip())
    if _plain(description) == _plain(name):
        return "the description repeats the name"
    if length < _LEAST:
        return f"the description has {length} characters; models choose tools by it"
    if length > _MOST:
        return f"the description has {length:,} characters; APIs take {_MOST:,}"
    return ""


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def _undescribed(tree: LintTree, tool: Part) -> Iterator[Finding]:
    properties = tool.get("input_schema", "properties")
    if properties is None or not isinstance(properties.value, dict):
        return
    bare = [
        part
        for part in properties.parts()
        if isinstance(part.value, dict) and not any(key in part.value for key in _SAYS_ENOUGH)
    ]
    if bare:
        names = ", ".join(repr(part.path[-1]) for part in bare)
        what = (
            "parameters without a description"
            if len(bare) > 1
            else "a parameter without a description"
        )
        message = f"{what}: {names}"
        yield RULE.at(tree.key(bare[0]), message, hint="add description: to each")


RULE = Rule(
    code="TOL962",
    name="unclear-tool",
    summary="a tool or a parameter without a useful description",
    severity="warning",
    check=check,
)
