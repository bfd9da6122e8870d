"""Allow template-syntax: a message that is not a valid Jinja2 template.

## What it does
Parses every message and every `file://` text, and reports what Jinja2 cannot parse.

## Why is this bad?
The prompt cannot be rendered, so every request fails.

## Example
```yaml
content: Hello {{ name
```

## Use instead
```yaml
content: Hello {{ name }}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.template_problems import findings_of_templates
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    yield from findings_of_templates(RULE, tree)


RULE = Rule(
    code="TPL201",
    name="template-syntax",
    summary="a message that is not a valid Jinja2 template",
    check=check,
)
