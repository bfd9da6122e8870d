"""Allow untrusted-instruction: text of strangers in a system or developer message.

## What it does
Follows variables that are not `trust: trusted`, passages of a retrieval too, and reports where a
message of the role `system` or `developer` writes them, delimited or not.

## Why is this bad?
Models are trained to obey these messages above all others. Whoever fills the variable gives the
orders (OWASP LLM01, prompt injection).

## Example
```yaml
- role: system
  content: You help {{ customer_name }}.
```

## Use instead
```yaml
- role: system
  content: You help the customer who is named in the first message.
- role: user
  content: <customer>{{ customer_name }}</customer>
```
Where the value is your own, say so: `trust: trusted`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.prompts import INSTRUCTING, prompts_asked, untrusted_outputs
from tetrad.lint.rule import Finding, Rule
from tetrad.lint.tree import Tree


def check(tree: Tree) -> Iterator[Finding]:
    for prompt in prompts_asked(tree):
        for output in untrusted_outputs(tree, prompt):
            if output.message.role in INSTRUCTING:
                yield RULE.at(
                    output.place(tree),
                    f"untrusted {output.names} stands in a {output.message.role} message",
                    hint="move it to a user message, or declare the variable trust: trusted",
                )


RULE = Rule(
    code="INJ302",
    name="untrusted-instruction",
    summary="text of strangers in a system or developer message",
    sealed=True,
    scope="stack",
    check=check,
)
