"""Allow retired-model: a vendor's model that is, or soon will be, shut down.

## What it does
Looks up the vendor's model in a dated table of announced retirements (OpenAI, Anthropic). A retired
model is an error; one that will be retired within 90 days is a warning.

## Why is this bad?
Requests to a retired model fail, on the vendor's schedule and not on yours.

## Example
```yaml
kind: model
source: vendor://openai/gpt-4.5-preview-2025-02-27
```

## Use instead
```yaml
kind: model
source: vendor://openai/gpt-4.1-2025-04-14
```
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from tetrad.lint.finding import Finding, Severity
from tetrad.lint.pins import sources_of, written_source
from tetrad.lint.retirements import AS_OF, RETIRED
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part

_SOON = timedelta(days=90)


def check(tree: LintTree) -> Iterator[Finding]:
    for model in tree.components("model"):
        for part, uri in sources_of(model):
            source = written_source(uri)
            if source.scheme == "vendor":
                yield from _of_name(tree, part, source.name)


def _of_name(tree: LintTree, part: Part, name: str) -> Iterator[Finding]:
    vendor, _, model = name.partition("/")
    day = RETIRED.get(vendor, {}).get(model)
    if day is None or day > tree.today + _SOON:
        return
    table = f"by the table of {AS_OF.isoformat()}"
    said = _said(model, day, tree.today)
    severity: Severity = "error" if day <= tree.today else "warning"
    hint = "switch to another dated version, and evaluate it"
    yield RULE.at(tree.value(part), f"{said} ({table})", hint=hint, severity=severity)


def _said(model: str, day: date, today: date) -> str:
    verb = "was" if day <= today else "will be"
    return f"{model!r} {verb} shut down on {day.isoformat()}"


RULE = Rule(
    code="PIN905",
    name="retired-model",
    summary="a vendor's model that is shut down, or will be within 90 days",
    check=check,
)
