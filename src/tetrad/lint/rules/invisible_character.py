r"""Allow invisible-character: zero-width characters, stray variation selectors, fillers, soft hyphens.

## What it does
Reports characters without width, written as characters or as escapes: zero-width spaces and joiners,
variation selectors, Hangul fillers, soft hyphens, and byte order marks inside a file. Legitimate uses
are allowed: joiners and selectors in emoji, non-joiners in Persian, joiners in Indic scripts,
selectors after ideographs.

## Why is this bad?
They split words that people and filters search for, can carry hidden data, and give two texts that
look alike different digests.

## Example
```yaml
content: "Pay\u200bment questions go to billing."
```

## Use instead
```yaml
content: Payment questions go to billing.
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.invisible import findings_of_characters
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    yield from findings_of_characters(
        RULE, tree, "invisible", lambda run: f"invisible: {run.names}"
    )


RULE = Rule(
    code="UNI503",
    name="invisible-character",
    summary="zero-width character, stray variation selector, filler, soft hyphen",
    fixable="unsafe",
    check=check,
)
