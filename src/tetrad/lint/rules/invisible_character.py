r"""Allow invisible-character: zero-width characters, stray variation selectors, fillers, soft hyphens.

## What it does
Reports characters that take no room, as characters and as escapes: zero-width spaces and joiners,
variation selectors, Hangul fillers, soft hyphens, byte order marks within a file. Let through is
what writing needs: joiners and selectors of emoji, non-joiners of Persian, joiners of Indic
scripts, selectors after ideographs.

## Why is this bad?
They split words that filters and people look for, they carry hidden data, and they make two texts
that look the same have different digests.

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
