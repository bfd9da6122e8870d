"""Allow ambiguous-scalar: text that YAML 1.1 reads as something else.

## What it does
Reports plain scalars that are text in YAML 1.2, which Tetrad reads, and a boolean, a number or a date
in YAML 1.1: `no`, `on`, `1:30`, `2026-01-31`, `1_000`.

## Why is this bad?
PyYAML, Helm and older linters read YAML 1.1. To them, `enum: [yes, no]` is two booleans.

## Example
```yaml
output: {enum: [yes, no]}
```

## Use instead
```yaml
output: {enum: ["yes", "no"]}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from tetrad.lint.finding import Edit, Finding, Fix
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.yamldoc.document import Node

# YAML 1.1, section 10.2: booleans, sexagesimal and underscored numbers, timestamps.
_OTHERWISE = re.compile(
    r"""(?x)
      (?: y | Y | yes | Yes | YES | n | N | no | No | NO | on | On | ON | off | Off | OFF )
    | [-+]? [1-9][0-9_]* (?: : [0-5]?[0-9] )+ (?: \.[0-9_]* )?
    | [-+]? [0-9]+ (?: _[0-9]+ )+ (?: \.[0-9_]* )?
    | \d{4}-\d\d-\d\d | \d{4}-\d\d?-\d\d? [Tt ] .*
    """
)
# One of these is in every text with such a scalar, and in few others; each begins with a set of
# characters, so that it is searched for in less time than the values are looked at.
_PERHAPS = (
    re.compile(r"[yYnNoO](?<!\w.)(?:es|ES|[oOnN]|ff|FF)?[ \t]*(?:[\r\n,:#{}\]]|\Z)"),
    re.compile(r"[:_-](?<=[\d_].)\d"),
)
_BEGINNINGS = frozenset("yYnNoO+-0123456789")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_OF_DAYS = ("waivers", "environment")  # their schemas ask for days, and quote none


def check(tree: LintTree) -> Iterator[Finding]:
    asked = frozenset(tree.names)
    for file, document in tree.documents.items():
        if file not in asked or file.endswith((".json", ".jsonl")):
            continue
        if not any(perhaps.search(document.text) for perhaps in _PERHAPS):
            continue
        of_days = isinstance(document.value, dict) and document.value.get("kind") in _OF_DAYS
        for node in _plain(document.root):
            if of_days and _DAY.fullmatch(node.value):
                continue
            place = tree.place(file, node.start, node.end)
            message = f"YAML 1.1 does not read {node.value!r} as text"
            edit = Edit(file=file, start=node.start, end=node.end, text=f'"{node.value}"')
            fix = Fix(title="quote it", edits=(edit,), safe=True)
            yield RULE.at(place, message, hint="put it in quotes", fix=fix)


def _plain(root: Node) -> Iterable[Node]:
    held = (collection.children.values() for collection in root.collections())
    found = (
        node
        for node in chain((root,), chain.from_iterable(held))
        if node.style is None
        and type(node.value) is str
        and node.value[:1] in _BEGINNINGS
        and _OTHERWISE.fullmatch(node.value)
    )
    return dict.fromkeys(found)  # several aliases may stand for one


RULE = Rule(
    code="SCH103",
    name="ambiguous-scalar",
    summary="text without quotes that YAML 1.1 reads as a boolean, a number or a date",
    severity="warning",
    fixable="safe",
    check=check,
)
