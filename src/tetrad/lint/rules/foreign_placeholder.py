"""Allow foreign-placeholder: a placeholder of another template language, which nothing fills in.

## What it does
Reports `{name}` and `${name}` in a message where `name` is a declared variable. In a message
without any Jinja2, an undeclared `name` is a warning if the placeholder is where input belongs: alone
on its line, or after a label. Code, JSON, and formats that the answer should follow are not reported.
Tags of Handlebars and Semantic Kernel (`{{#if}}`, `{{$name}}`) do not parse as Jinja2 and are
reported by template-syntax.

## Why is this bad?
Messages are Jinja2 templates, so the model gets the braces and the name instead of the value, and
often answers as if nothing were missing.

## Example
```yaml
variables: {message: {type: string, trust: untrusted}}
messages: [{role: user, content: "<message>{message}</message>"}]
```

## Use instead
```yaml
variables: {message: {type: string, trust: untrusted}}
messages: [{role: user, content: "<message>{{ message }}</message>"}]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.placeholders import Placeholder, placeholders_of, stands_for_input
from tetrad.lint.prompts import prompts_asked
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import Prompt, PromptMessage
from tetrad.templates.simple import has_marks


def check(tree: LintTree) -> Iterator[Finding]:
    for prompt in prompts_asked(tree):
        for index, message in enumerate(prompt.messages):
            seen: set[str] = set()
            for placeholder in placeholders_of(message.content):
                if placeholder.name not in seen and _is_left(prompt, message, placeholder):
                    seen.add(placeholder.name)
                    yield _finding(tree, prompt, index, placeholder)


def _is_left(prompt: Prompt, message: PromptMessage, placeholder: Placeholder) -> bool:
    if placeholder.name in prompt.variables:
        return True
    return not has_marks(message.content) and stands_for_input(message.content, placeholder)


def _finding(tree: LintTree, prompt: Prompt, index: int, placeholder: Placeholder) -> Finding:
    message, name = prompt.messages[index], placeholder.name
    written = placeholder.written(message.content)
    declared = name in prompt.variables
    and_declare = "" if declared else f", and declare {name} under variables:"
    return RULE.at(
        tree.within_message(message, index, placeholder.start, placeholder.end),
        f"{written} is plain text here: nothing fills it in",
        hint=f"write {{{{ {name} }}}}{and_declare}",
        severity="error" if declared else "warning",
    )


RULE = Rule(
    code="TPL208",
    name="foreign-placeholder",
    summary="`{name}` or `${name}`, which Jinja2 does not fill in",
    check=check,
)
