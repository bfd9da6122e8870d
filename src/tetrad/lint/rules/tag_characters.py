r"""Allow tag-characters: invisible copies of ASCII that models read and people do not.

## What it does
Reports characters of the Unicode block Tags (U+E0000 to U+E007F), written as characters or as
escapes, and shows what they spell. The flags of England, Scotland and Wales are allowed.

## Why is this bad?
They can hide instructions in any text: nothing is displayed, and many models obey (OWASP LLM01,
prompt injection).

## Example
```yaml
content: "Be polite.\U000E0049\U000E0067\U000E006E\U000E006F\U000E0072\U000E0065"
```

## Use instead
```yaml
content: Be polite.
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.characters import Run
from tetrad.lint.finding import Finding
from tetrad.lint.invisible import findings_of_characters
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.text import shorten


def check(tree: LintTree) -> Iterator[Finding]:
    yield from findings_of_characters(RULE, tree, "tag", _message)


def _message(run: Run) -> str:
    count = len(run.text)
    what = "an invisible tag character" if count == 1 else f"{count} invisible tag characters"
    hidden = run.hidden_text
    return f'{what}, hidden text: "{shorten(hidden, 60)}"' if hidden else what


RULE = Rule(
    code="UNI502",
    name="tag-characters",
    summary="invisible copies of ASCII characters, which can hide instructions",
    sealed=True,
    fixable="unsafe",
    check=check,
)
