"""Allow contradictory-effect: a tool that is declared to read and named as if it writes.

## What it does
Reports tools of `effect: read` whose name begins with a verb that changes something: delete, create,
update, send, cancel, refund, pay and so on; and `effect: write` under a verb that destroys.

## Why is this bad?
`effect` decides what may run in evaluations and in environments.

## Example
```yaml
kind: tool
name: delete_order
effect: read
```

## Use instead
```yaml
kind: tool
name: delete_order
effect: destructive
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree

_DESTROYS = frozenset({"delete", "drop", "purge", "destroy", "erase", "wipe", "truncate"})
_WRITES = frozenset({
    "add", "approve", "archive", "assign", "book", "buy", "cancel", "charge", "close", "create", "edit",
    "insert", "merge", "modify", "move", "overwrite", "patch", "pay", "post", "publish", "purchase",
    "refund", "register", "remove", "rename", "replace", "reset", "schedule", "send", "submit",
    "subscribe", "transfer", "update", "upload", "upsert", "write",
})  # fmt: skip
_FIRST = re.compile(r"[a-z]+|[A-Z][a-z]*")


def check(tree: LintTree) -> Iterator[Finding]:
    for tool in tree.components("tool"):
        name, effect = tool.get("name"), tool.get("effect")
        if name is None or effect is None or name.text is None:
            continue
        first = _FIRST.match(name.text)
        verb = first[0].lower() if first else ""
        needed = _needed(verb, effect.text)
        if needed:
            message = (
                f"{name.text!r} is declared effect: {effect.text}, but {verb!r} suggests otherwise"
            )
            hint = f"write effect: {needed}, or rename the tool"
            yield RULE.at(tree.value(effect), message, hint=hint)


def _needed(verb: str, effect: str | None) -> str:
    if verb in _DESTROYS and effect in {"read", "write"}:
        return "destructive"
    return "write" if verb in _WRITES and effect == "read" else ""


RULE = Rule(
    code="TOL963",
    name="contradictory-effect",
    summary="a tool whose effect contradicts the verb in its name",
    check=check,
)
