"""Allow unlimited-input: untrusted input without a length limit.

## What it does
Reports, once per prompt that a stack uses, the untrusted variables without `max_chars`, unless every
such stack sets `guardrails: {max_input_chars: …}`. Numbers, booleans, variables with an `enum` and
what a retrieval fills in are not reported.

## Why is this bad?
One long input can make a request expensive and slow down everybody else (OWASP LLM10, unbounded
consumption), and lint cannot tell whether requests fit the model's context window.

## Example
```yaml
variables:
  message: {type: string, trust: untrusted}
```

## Use instead
```yaml
variables:
  message: {type: string, trust: untrusted, max_chars: 2000}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.prompts import may_hold_text, prompts_asked, stacks_with
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part
from tetrad.model import Prompt


def check(tree: LintTree) -> Iterator[Finding]:
    for prompt in prompts_asked(tree):
        document = tree.documents.get(prompt.location.file)
        names = _unlimited(tree, prompt)
        if document is not None and names:
            yield RULE.at(
                tree.key(Part(document, ("variables",), None)),
                f"no length limit for {', '.join(map(repr, names))}",
                hint="add max_chars, or guardrails: {max_input_chars: …} in the stack",
            )


def _unlimited(tree: LintTree, prompt: Prompt) -> list[str]:
    """The variables that the prompt's own file declares so; others are their own file's."""
    open_stacks = [s for s in stacks_with(tree, prompt) if s.guardrails.max_input_chars is None]
    return [
        variable.name
        for variable in prompt.variables.values()
        if variable.trust == "untrusted"
        and variable.max_chars is None
        and may_hold_text(variable)
        and variable.location.file == prompt.location.file
        and any(variable.name not in stack.filled for stack in open_stacks)
    ]


RULE = Rule(
    code="BUD602",
    name="unlimited-input",
    summary="untrusted input without a length limit",
    severity="warning",
    scope="stack",
    check=check,
)
