"""Allow contradictory-cases: golden cases with the same input and incompatible expectations.

## What it does
Reports cases with the same variables and tool results whose assertions no answer can satisfy
together, and cases whose own assertions contradict each other.

## Why is this bad?
One of the two always fails, or passes by chance if answers are sampled.

## Example
```yaml
- {id: a, vars: {message: Where is it?}, assert: [{type: equals, value: delivery}]}
- {id: b, vars: {message: Where is it?}, assert: [{type: equals, value: returns}]}
```

## Use instead
```yaml
- {id: a, vars: {message: Where is it?}, assert: [{type: equals, value: delivery}]}
```
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator

from tetrad.assertions.contradictions import Claims
from tetrad.lint.finding import Finding
from tetrad.lint.goldens import golden_sets, place
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import GoldenSet


def check(tree: LintTree) -> Iterator[Finding]:
    encoder = json.JSONEncoder(sort_keys=True)  # `json.dumps` would make one at each call
    for golden in golden_sets(tree):
        yield from _contradictions(tree, golden, encoder)


def _contradictions(
    tree: LintTree, golden: GoldenSet, encoder: json.JSONEncoder
) -> Iterator[Finding]:
    asked: defaultdict[str, Claims] = defaultdict(Claims)
    for case in golden.cases:
        answers = [[call.tool, call.arguments, call.result, call.error] for call in case.tools]
        turns = [[turn.role, turn.content] for turn in case.turns]
        claims = asked[encoder.encode([case.vars, turns, answers])]
        found = claims.contradicted_by(case)
        if found is not None:
            other, reason = found
            with_whom = "itself" if other is case else f"{other.id!r} with the same vars"
            yield RULE.at(
                place(tree, case.location),
                f"the case {case.id!r} contradicts {with_whom}: {reason}",
                hint="keep the expectation that is right",
            )


RULE = Rule(
    code="GLD990",
    name="contradictory-cases",
    summary="golden cases with the same input and incompatible expectations",
    check=check,
)
