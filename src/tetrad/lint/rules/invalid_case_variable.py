"""Allow invalid-case-variable: a golden case whose variables the prompt does not accept.

## What it does
Reports cases that lack a variable that a stack's prompt requires, and values that a variable does not
accept: the wrong type, longer than `max_chars`, or not in the `enum`. In a CSV file, the column is
reported. Earlier `turns` are reported where the prompt has no `chat.history` to keep them.

## Why is this bad?
The case cannot run on any model, so the suite is inconclusive.

## Example
```yaml
- {id: refund, vars: {mesage: I want a refund}}
```

## Use instead
```yaml
- {id: refund, vars: {message: I want a refund}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.errors import Location
from tetrad.lint.finding import Finding
from tetrad.lint.goldens import place, suites_of_golden_sets
from tetrad.lint.issues import findings_of_issues
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.loading.case_values import INVALID_VARIABLE
from tetrad.model import Suite
from tetrad.model.variables import missing_in


def check(tree: LintTree) -> Iterator[Finding]:
    yield from findings_of_issues(RULE, tree, RULE.code)
    for suite in suites_of_golden_sets(tree):
        yield from _lacking(tree, suite)


def _lacking(tree: LintTree, suite: Suite) -> Iterator[Finding]:
    """Cases that cannot be asked of every stack of their suite; of a file of CSV its columns."""
    columns: dict[tuple[str, str], Finding] = {}
    for case in suite.golden.cases:
        file = case.location.file
        missing = {
            name: (stack.prompt, near)
            for stack in suite.stacks
            for name, near in missing_in(stack.prompt, case.vars, stack.filled).items()
        }
        for name in sorted(missing):
            prompt, near = missing[name]
            rename = f"rename {near!r} to it" if near else ""
            if file.endswith(".csv"):
                message = f"no column is named {name!r}, which {prompt.ref} requires"
                hint = rename or "the first row names the variables"
                found = RULE.at(place(tree, Location(file)), message, hint=hint)
                columns.setdefault((file, name), found)
            else:
                message = f"the case {case.id!r} gives no {name!r}, which {prompt.ref} requires"
                hint = rename or "give it in the case's vars"
                yield RULE.at(place(tree, case.location), message, hint=hint)
    yield from columns.values()


RULE = Rule(
    code=INVALID_VARIABLE,
    name="invalid-case-variable",
    summary="a golden case that lacks a required variable, or has a value that the variable does not accept",
    check=check,
)
