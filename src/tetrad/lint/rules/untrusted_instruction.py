"""Allow untrusted-instruction: text of strangers in a system or developer message.

## What it does
Follows variables that are not `trust: trusted`, passages of a retrieval too, and reports where a
message of the role `system` or `developer` writes them, delimited or not, once per variable and
message.

Where `trust: untrusted` is written, it is an error and sealed. Where nothing is written, it is a
warning that a comment can allow, and what reads as a setting (a language, a date, a limit, a
product's name, a message that is one variable) is let through.

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
        f"{found.called} stands in a {found.message.role} message{found.elsewhere}",
        hint="move it to a user message, or declare the variable trust: trusted",
        severity="error" if found.stated else "warning",
        sealed=found.stated,
    )


RULE = Rule(
    code="INJ302",
    name="untrusted-instruction",
    summary="text of strangers in a system or developer message; a warning where its trust is not stated",
    sealed=True,
    scope="stack",
    check=check,
)
