"""Allow invalid-suppression: a suppression that gives no reason, is not allowed, or has expired.

## What it does
Reports comments `# tetrad: allow NAME` without `-- reason`, comments that name a sealed rule, and
lines of waivers.yaml whose `until:` has passed.

## Why is this bad?
A suppression without a reason cannot be judged by whoever reads it next. A sealed rule guards what
one person alone must not lift: its waiver stands in waivers.yaml, which a code owner approves.

## Example
```yaml
content: |  # tetrad: allow untrusted-undelimited
```

## Use instead
```yaml
content: |  # tetrad: allow untrusted-undelimited -- a form field that takes digits only
```
and for a sealed rule, in waivers.yaml:
```yaml
- {rule: SEC401, file: evals/leaks/golden.yaml, reason: Invented keys., owner: "@security", until: 2027-06-30}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.lint.waiver_places import waiver_parts


def check(tree: LintTree) -> Iterator[Finding]:
    for comment in tree.suppressions:
        place = tree.place(comment.file, comment.start, comment.end)
        if not comment.names:
            yield RULE.at(place, "this comment allows nothing", hint="name a rule after allow")
        elif not comment.reason:
            yield RULE.at(
                place, "this suppression gives no reason", hint="write it after --, in a few words"
            )
        for name in comment.names:
            is_sealed = name in tree.ledger.sealed
            if is_sealed and (comment, name) not in tree.ledger.used:
                yield RULE.at(
                    place,
                    f"{name} is sealed: no comment lifts it",
                    hint="ask its code owner for a line in waivers.yaml",
                )
    for waiver, part in waiver_parts(tree):
        if waiver.is_expired(today=tree.today):
            until = part.get("until") or part
            yield RULE.at(
                tree.value(until),
                f"this waiver ended on {waiver.until}",
                hint="fix what it waived, or have it renewed",
            )


RULE = Rule(
    code="NOQ002",
    name="invalid-suppression",
    summary="a suppression without a reason, of a sealed rule, or expired",
    sealed=True,
    check=check,
)
