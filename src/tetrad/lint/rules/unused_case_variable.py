"""Allow unused-case-variable: a case variable that nothing reads, because of a slip.

## What it does
Reports case variables that no prompt of the suite's stacks declares, if the name is close to an
optional variable that the case does not set, or is a key of cases (`assert`, `tags`, `tools`) that is
indented too far. Other extra variables may be there for assertions to read.

## Why is this bad?
The case does not test what it seems to test.

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
            message = f"the case {case.id!r} has {name!r} in its vars, where nothing reads it"
            hint = f"move {name}: to the level of vars:"
            yield RULE.at(place(tree, case.location), message, hint=hint)


def _misspelt(tree: LintTree, suite: Suite) -> Iterator[Finding]:
    declared = {n: v for stack in suite.stacks for n, v in stack.prompt.variables.items()}
    filled = {name for stack in suite.stacks for name in stack.filled}
    optional = [name for name, variable in declared.items() if not variable.required]
    for case in suite.golden.cases:
        free = [name for name in optional if name not in case.vars]
        for name in case.vars if free else ():
            if name in declared or name in filled:
                continue
            near = difflib.get_close_matches(name, free, n=1, cutoff=_ALIKE)
            if not near or _is_read(name, case):
                continue
            message = f"the case {case.id!r} sets {name!r}, which no prompt of its stacks declares"
            yield RULE.at(place(tree, case.location), message, hint=f"did you mean {near[0]}?")


def _is_read(name: str, case: Case) -> bool:
    """Whether an assertion may read a variable of the case."""
    written = [item.value for item in assertions_of(case)]
    return any(name in str(text) for text in (*written, case.transform))


RULE = Rule(
    code="GLD992",
    name="unused-case-variable",
    summary="a case variable that nothing reads: misspelt, or indented too far",
    severity="warning",
    check=check,
)
