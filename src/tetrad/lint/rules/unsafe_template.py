"""Allow unsafe-template: a template construct that is not on the allow-list.

## What it does
Reports calls of anything but the template's own macros, arithmetic that can blow up, filters and
tests that are not listed, `import`, `extends`, `include` with a computed name, attributes that
begin with an underscore, and loops over anything but data.

Allowed are output, `if`, `for` over data, listed filters and tests, `+`, `-`, `//`, `~`, slices
with whole numbers (`turns[-2:]`), `{% set name = value %}`, macros that are defined before they are
called, and `{% include "file.md" %}`.

Python methods have equivalent filters, and the fix writes them: `x.items()` is `x|items`,
`x.values()` is `x|values`, `x.get("k")` is `x["k"]|default`, `x.splitlines()` is `x|lines`.

## Why is this bad?
Jinja2's sandbox keeps a template from running code, but limits neither time nor memory:
`{{ 'a' * 10**9 }}` takes the process down. Templates are therefore limited to a short list.

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
from dataclasses import replace

from tetrad.lint.finding import Edit, Finding, Fix
from tetrad.lint.rule import Rule
from tetrad.lint.template_problems import findings_of_templates
from tetrad.lint.tree import LintTree
from tetrad.templates.methods import replacement_at


def check(tree: LintTree) -> Iterator[Finding]:
    for finding in findings_of_templates(RULE, tree):
        yield replace(finding, fix=_filter_for_method(tree, finding))


def _filter_for_method(tree: LintTree, finding: Finding) -> Fix | None:
    """The filter that does what a called method does, where the file writes the call as it is."""
    file, span = finding.place.file, finding.place.span
    lines = tree.lines(file)
    found = replacement_at(lines.text, lines.offset(span.line, span.column))
    if found is None or not found.whole:
        return None
    edit = Edit(file=file, start=found.start, end=found.end, text=found.text)
    return Fix(title=f"write {found.text}", edits=(edit,), safe=True)


RULE = Rule(
    code="TPL204",
    name="unsafe-template",
    summary="a template construct that is not on the allow-list",
    sealed=True,
    fixable="safe",
    check=check,
)
