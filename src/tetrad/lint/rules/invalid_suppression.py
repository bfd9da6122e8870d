"""Allow invalid-suppression: a suppression that gives no reason, is not allowed, or has expired.

## What it does
Reports comments `# tetrad: allow NAME` without `-- reason`, comments that name a sealed rule, and
lines of waivers.yaml whose `until:` has passed.

## Why is this bad?
Without a reason, the next reader cannot judge a suppression. A finding of a sealed rule must not be
suppressed by one person alone: it takes a line in waivers.yaml, which a code owner approves.

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
            yield RULE.at(place, "this comment names no rule", hint="name a rule after allow")
        elif not comment.reason:
            yield RULE.at(
                place, "this suppression gives no reason", hint="write the reason after --"
            )
        for name in comment.names:
            is_sealed = name in tree.ledger.sealed
            if is_sealed and (comment, name) not in tree.ledger.used:
                yield RULE.at(
                    place,
                    f"{name} is sealed: a comment cannot suppress it",
                    hint="add a line to waivers.yaml, which a code owner approves",
                )
    for waiver, part in waiver_parts(tree):
        if waiver.is_expired(today=tree.today):
            until = part.get("until") or part
            yield RULE.at(
                tree.value(until),
                f"this waiver expired on {waiver.until}",
                hint="fix the finding, or have the waiver renewed",
            )


RULE = Rule(
    code="NOQ002",
    name="invalid-suppression",
    summary="a suppression that has no reason, names a sealed rule, or has expired",
    sealed=True,
    check=check,
)
