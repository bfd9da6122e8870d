"""Allow untrusted-instruction: untrusted text in a system or developer message.

## What it does
Reports, once per variable and message, variables that are not `trust: trusted`, and retrieved
passages, in messages with the role `system` or `developer`, delimited or not.

With `trust: untrusted`, it is a sealed error. Without an explicit `trust`, it is a warning that a
comment can suppress, and variables that look like settings (a language, a date, a limit, a product
name, a message that is one variable) are not reported.

## Why is this bad?
Models are trained to obey these messages above all others, so whoever sets the variable can give
instructions (OWASP LLM01, prompt injection).

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
If only your own code sets the value, declare the variable `trust: trusted`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.prompts import INSTRUCTING, Untrusted, prompts_asked, untrusted_in
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    for prompt in prompts_asked(tree):
        for found in untrusted_in(tree, prompt):
            if found.message.role in INSTRUCTING and (found.stated or not found.is_whole_message):
                yield _finding(tree, found)


def _finding(tree: LintTree, found: Untrusted) -> Finding:
    return RULE.at(
        found.place(tree),
        f"{found.called} is in a {found.message.role} message{found.elsewhere}",
        hint="move it to a user message, or declare the variable trust: trusted",
        severity="error" if found.stated else "warning",
        sealed=found.stated,
    )


RULE = Rule(
    code="INJ302",
    name="untrusted-instruction",
    summary="untrusted text in a system or developer message; a warning if its trust is not stated",
    sealed=True,
    scope="stack",
    check=check,
)
