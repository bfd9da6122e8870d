"""Allow assertion-cannot-pass: an assertion that no answer passes.

## What it does
Reports thresholds above 1, which no score can reach, thresholds of a case or a set in which no
assertion has a weight, and `equals` with a value that is not in the prompt's `enum`.

## Why is this bad?
The case fails whatever the model answers.

## Example
```yaml
# the prompt says: output: {enum: [urgent, normal]}
assert:
  - {type: equals, value: urgnt}
```

## Use instead
```yaml
assert:
  - {type: equals, value: urgent}
```
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tetrad.assertions.checks import why_it_cannot_pass
from tetrad.assertions.contradictions import is_exact
from tetrad.lint.finding import Finding
from tetrad.lint.goldens import place, suites_of_golden_sets
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import Assertion, AssertionSet, Case, Suite, assertions_of
from tetrad.schemas.nearest import did_you_mean


def check(tree: LintTree) -> Iterator[Finding]:
    for suite in suites_of_golden_sets(tree):
        yield from _out_of_reach(tree, suite)
        yield from _mean_out_of_reach(tree, suite)
        yield from _not_a_label(tree, suite)


def _out_of_reach(tree: LintTree, suite: Suite) -> Iterator[Finding]:
    for case in suite.golden.cases:
        for item in assertions_of(case):
            reason = why_it_cannot_pass(item)
            if reason is not None:
                message = f"this assertion of {case.id!r} cannot pass: {reason}"
                yield RULE.at(place(tree, item.location), message, hint="write a share of 1")


def _mean_out_of_reach(tree: LintTree, suite: Suite) -> Iterator[Finding]:
    """Cases and sets whose weighted mean never reaches their threshold."""
    for case in suite.golden.cases:
        groups: list[Case | AssertionSet] = [case]
        groups += [item for item in case.assertions if isinstance(item, AssertionSet)]
        for group in groups:
            why = _why_out_of_reach(group)
            if why is not None:
                name = "the case" if group is case else "this set of the case"
                message = f"{name} {case.id!r} cannot pass: {why}"
                hint = "write a threshold that the weighted mean reaches, or none"
                yield RULE.at(place(tree, group.location), message, hint=hint)


def _why_out_of_reach(group: Case | AssertionSet) -> str | None:
    least = group.threshold or 0
    if least > 1:
        return "its threshold is above 1, and no mean is"
    weights = [item.weight for item in group.assertions]
    if least > 0 and weights and not any(weights):
        return "it has a threshold, and no assertion has a weight"
    return None


def _not_a_label(tree: LintTree, suite: Suite) -> Iterator[Finding]:
    """Texts that no stack of the suite may answer."""
    enums = [stack.prompt.output.enum for stack in suite.stacks]
    labels = sorted({label for enum in enums for label in enum})
    for case in suite.golden.cases if all(enums) else ():
        for item in assertions_of(case) if case.transform is None else ():
            if _asks_for_another(item, labels):
                yield RULE.at(
                    place(tree, item.location),
                    f"this assertion of {case.id!r} cannot pass: {item.value!r} is not an answer that "
                    f"the prompt's enum allows",
                    hint=did_you_mean(str(item.value), labels, f"they are {', '.join(labels)}"),
                )


def _asks_for_another(item: Assertion, labels: Sequence[str]) -> bool:
    return is_exact(item) and item.transform is None and item.value not in labels


RULE = Rule(
    code="GLD989",
    name="assertion-cannot-pass",
    summary="an assertion that no answer passes",
    check=check,
)
