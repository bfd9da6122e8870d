"""Allow invalid-assertion: an assertion that cannot be evaluated.

## What it does
Reports assertions that cannot grade an answer: a `regex` that does not compile, a value of the
wrong form, a transform in JavaScript, a judge that the suite does not have, `similar` without an
embedding model, `retrieved` without a corpus, `cost` without prices.

## Why is this bad?
The answer would be paid for and could not be graded, so a suite with such a case is not run.

## Example
```yaml
assert:
  - {type: regex, value: "(urgent"}
```

## Use instead
```yaml
assert:
  - {type: regex, value: "(urgent|normal)"}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.assertions.checks import INVALID_ASSERTION, issues_when_rendered
from tetrad.lint.finding import Finding
from tetrad.lint.goldens import golden_sets, place
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    yield from findings_of_issues(RULE, tree, RULE.code)
    for golden in golden_sets(tree):
        for issue in issues_when_rendered(golden):
            yield RULE.at(place(tree, issue.location), issue.message, hint=issue.hint)


RULE = Rule(
    code=INVALID_ASSERTION,
    name="invalid-assertion",
    summary="an assertion that cannot be evaluated",
    check=check,
)
