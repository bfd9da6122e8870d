"""Allow empty-message: a message of a prompt without text.

## What it does
Reports messages whose content is empty or white space.

## Why is this bad?
Some servers reject an empty message, others drop it.

## Example
```yaml
messages: [{role: user, content: ""}]
```

## Use instead
```yaml
messages: [{role: user, content: "<message>{{ message }}</message>"}]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    for prompt in tree.components("prompt"):
        messages = prompt.get("messages")
        for message in messages.parts() if messages is not None else ():
            content = message.get("content")
            if content is not None and content.text is not None and not content.text.strip():
                hint = "write the message, or remove it"
                yield RULE.at(tree.key(content), "this message has no text", hint=hint)


RULE = Rule(
    code="TPL207",
    name="empty-message",
    summary="a message without text",
    check=check,
)
