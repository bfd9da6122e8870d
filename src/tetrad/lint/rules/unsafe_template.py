"""Allow unsafe-template: a template construct that is outside the allow-list.

## What it does
Reports calls, arithmetic that can blow up, filters and tests that are not listed, `set`, `import`,
`include`, `macro`, attributes that begin with an underscore, and loops over anything but data.

## Why is this bad?
Jinja2's sandbox keeps a template from code, but it bounds neither time nor memory:
`{{ 'a' * 10**9 }}` takes the process down. What a template may do is therefore a short list.

## Example
```yaml
content: "{% for n in range(10000000) %}{{ question }}{% endfor %}"
```

## Use instead
```yaml
content: "{{ question }}"
```
Values that need computing are computed before, and passed as variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.rule import Finding, Rule
from tetrad.lint.template_problems import findings_of_templates
from tetrad.lint.tree import Tree


def check(tree: Tree) -> Iterator[Finding]:
    yield from findings_of_templates(RULE, tree)


RULE = Rule(
    code="TPL204",
    name="unsafe-template",
    summary="a template construct outside the allow-list",
    sealed=True,
    check=check,
)
