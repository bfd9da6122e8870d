"""Allow unused-case-variable: a variable of a golden case that nothing reads, by a slip.

## What it does
Reports variables of cases that no prompt of their stacks takes, where the name is close to an
optional one that the case does not give, or is a key of cases (`assert`, `tags`, `tools`) that is
indented too far. Any other variable may be there for assertions to read.

## Why is this bad?
The case asks something else than it says, and passes or fails for it.

## Example
```yaml
- id: refund
  vars:
    message: I want a refund
    tags: [core]
```

## Use instead
```yaml
- id: refund
  vars:
    message: I want a refund
  tags: [core]
```
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.goldens import place, suites_of_golden_sets
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import Case, Suite, assertions_of

_KEYS = frozenset({"assert", "tags", "tools"})
_ALIKE = 0.8


def check(tree: LintTree) -> Iterator[Finding]:
    for suite in suites_of_golden_sets(tree):
        yield from _keys_of_cases(tree, suite)
        yield from _misspelt(tree, suite)


def _keys_of_cases(tree: LintTree, suite: Suite) -> Iterator[Finding]:
    declared = {name for stack in suite.stacks for name in stack.prompt.variables}
    for case in suite.golden.cases:
        for name in sorted(_KEYS & case.vars.keys() - declared):
            message = f"the case {case.id!r} has {name!r} among its vars, where nothing reads it"
            hint = f"indent {name}: as far as vars:"
            yield RULE.at(place(tree, case.location), message, hint=hint)


def _misspelt(tree: LintTree, suite: Suite) -> Iterator[Finding]:
    declared = {n: v for stack in suite.stacks for n, v in stack.prompt.variables.items()}
    filled = {name for stack in suite.stacks for name in stack.filled}
    optional = [name for name, variable in declared.items() if not variable.required]
    for case in suite.golden.cases:
        free = [name for name in optional if name not in case.vars]
        for name in case.vars if free else ():
            near = difflib.get_close_matches(name, free, n=1, cutoff=_ALIKE)
            if name in declared or name in filled or not near or _is_read(name, case):
                continue
            message = f"the case {case.id!r} gives {name!r}, which no prompt of its stacks takes"
            yield RULE.at(place(tree, case.location), message, hint=f"did you mean {near[0]}?")


def _is_read(name: str, case: Case) -> bool:
    """Whether an assertion may read a variable of the case."""
    written = [item.value for item in assertions_of(case)]
    return any(name in str(text) for text in (*written, case.transform))


RULE = Rule(
    code="GLD992",
    name="unused-case-variable",
    summary="a variable of a golden case that nothing reads, misspelt or indented too far",
    severity="warning",
    check=check,
)
