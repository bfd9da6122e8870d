"""Allow golden-leak: a golden case whose text is part of what it judges.

## What it does
Normalises the texts of every case (case, punctuation, compatibility characters) and searches the
messages and examples of the stacks that its suite judges for any eight consecutive words of them (16
characters in scripts without spaces), and the corpus for those of the retrieval's query. A shorter
text is reported if an example has exactly the same one.

## Why is this bad?
A model that has seen the case can repeat the answer, so the score says nothing about new requests.

## Example
```yaml
examples:
  - {vars: {message: Where is my parcel?}, output: delivery}   # and the same case in golden.yaml
```

## Use instead
Write examples of your own, and keep cases of the golden set out of prompts, examples and corpora.
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding, Place
from tetrad.lint.leaks import Leak, leaks_of
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.text import shorten


def check(tree: LintTree) -> Iterator[Finding]:
    asked = frozenset(tree.names)
    for suite in tree.repository.suites.values():
        if suite.golden.path not in asked:
            continue
        for leak in leaks_of(tree, suite):
            yield RULE.at(
                _place(tree, leak),
                f'the case {leak.case.id!r} is in {leak.where}: "{shorten(leak.words, 80)}"',
                hint="remove it there, or replace the case",
            )


def _place(tree: LintTree, leak: Leak) -> Place:
    location = leak.case.location
    lines = tree.lines(location.file)
    return Place(location.file, lines.token(location.line, location.column), location.line)


RULE = Rule(
    code="GLD981",
    name="golden-leak",
    summary="a golden case whose text occurs in the prompt, its examples or the corpus",
    scope="repository",
    check=check,
)
