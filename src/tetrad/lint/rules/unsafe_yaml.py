"""Allow unsafe-yaml: YAML that is dangerous, or that parsers read differently.

## What it does
Reports anchors, aliases and merge keys (they are expanded within limits in promptfoo's test files
only), tags, several documents in a file, values nested deeper than 32 levels, files over 1 MB
(golden sets 16 MB), NUL characters, half characters (lone surrogates), and the characters U+0085,
U+2028 and U+2029 where they are not written as escapes.

## Why is this bad?
Nested aliases expand a few lines into gigabytes, tags make some parsers run code, and deep nesting
crashes others. A file that parsers read differently has no identity: U+2028 ends a line in YAML 1.1
but in no editor or diff, so a key can hide in a comment.

## Example
```yaml
variables:
  question: &text {type: string, max_chars: 400}
  answer: *text
```

## Use instead
```yaml
variables:
  question: {type: string, max_chars: 400}
  answer: {type: string, max_chars: 400}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    yield from findings_of_issues(RULE, tree, RULE.code)


RULE = Rule(
    code="SCH101",
    name="unsafe-yaml",
    summary="anchors, tags, merge keys, several documents, deep nesting or large files",
    sealed=True,
    check=check,
)
