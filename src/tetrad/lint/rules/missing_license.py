"""Allow missing-license: weights without a stated licence.

## What it does
Reports models with weights of their own (hf, pypi, https, file and the like) without `license`.

## Why is this bad?
The licence decides whether and how the weights may be used. Without it, a reviewer cannot tell, and a
bill of materials is incomplete.

## Example
```yaml
kind: model
source: hf://org/model@main
```

## Use instead
```yaml
kind: model
source: hf://org/model@main
license: apache-2.0
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.pins import written_source
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree

_SERVED = frozenset({"vendor", "endpoint"})  # by terms of use, not by a licence


def check(tree: LintTree) -> Iterator[Finding]:
    for model in tree.components("model"):
        source, license_ = model.get("source"), model.get("license")
        if source is None or source.text is None or "://" not in source.text:
            continue
        is_script = model.get("engine", "scripted") is not None
        if is_script or written_source(source.text).scheme in _SERVED:
            continue
        if license_ is None or not license_.text:
            message = "the licence of these weights is not stated"
            yield RULE.at(tree.value(source), message, hint="add license: with the SPDX identifier")


RULE = Rule(
    code="PIN906",
    name="missing-license",
    summary="weights without a stated licence",
    severity="warning",
    check=check,
)
