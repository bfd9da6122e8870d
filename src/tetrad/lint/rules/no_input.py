"""Allow no-input: a prompt that expects input which no message contains.

## What it does
Reports prompts that have an input variable but no user message, and prompts whose last message ends in
an input label ("INPUT:", "# Input") with nothing after it. Labels that can also introduce the answer
("Question:", "Text:") are reported only if no message contains a variable and the prompt does not ask
for a question or a text.

## Why is this bad?
The model answers a request without input: it invents the input, or asks for it. Some servers reject a
conversation without a user message.

## Example
```yaml
messages:
  - role: system
    content: |
      Summarize the article in three sentences.

      INPUT:
```

## Use instead
```yaml
messages:
  - {role: system, content: Summarize the article in three sentences.}
  - {role: user, content: "<article>{{ article }}</article>"}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tetrad.lint.finding import Finding
from tetrad.lint.prompts import is_input, prompts_asked
from tetrad.lint.rule import Rule
from tetrad.lint.template import fixed_text_of
from tetrad.lint.tree import LintTree, Part
from tetrad.model import Prompt

_AROUND = r"[\s#*_>=\[\]()-]*"
_INPUT = r"(?:(?:the|your|user|user['’]s|new|actual|current)\s+){0,2}inputs?(?:\s+(?:text|data|message|content|document))?"
_OTHER = (
    r"(?:(?:the|your|user|user['’]s|original|source|customer)\s+){0,2}(?P<sort>text|article|document|content|"
    r"transcript|question|query|message|e-?mail|review|code|ticket|context|passage|conversation)"
)
_LAST_LINE = r"(?:^|\n)(?P<line>[^\n]*\S)\s*\Z"


def check(tree: LintTree) -> Iterator[Finding]:
    for prompt in prompts_asked(tree):
        dangling = _dangling(tree, prompt) if prompt.messages else None
        if dangling is not None:
            yield dangling
        elif not any(message.role == "user" for message in prompt.messages):
            yield from _without_user(tree, prompt)


def _dangling(tree: LintTree, prompt: Prompt) -> Finding | None:
    number = len(prompt.messages) - 1
    last = prompt.messages[number]
    found = _compiled(_LAST_LINE).search(last.content)
    if last.role == "assistant" or found is None or not _is_label(prompt, found["line"]):
        return None
    label = found["line"].strip()
    hint = "add the input after it, as a variable, or remove the label"
    if last.role != "user":
        hint = "add a user message with the input"
    place = tree.within_message(last, number, found.start("line"), found.end("line"))
    return RULE.at(place, f"nothing follows {label!r}", hint=hint)


def _is_label(prompt: Prompt, line: str) -> bool:
    if _compiled(rf"(?i){_AROUND}{_INPUT}{_AROUND}[:：]?{_AROUND}").fullmatch(line):
        return ":" in line or "：" in line or "#" in line
    other = _compiled(rf"(?i){_AROUND}{_OTHER}{_AROUND}[:：]{_AROUND}").fullmatch(line)
    if other is None or any("{{" in message.content for message in prompt.messages):
        return False
    said = "\n".join(fixed_text_of(message.content) for message in prompt.messages)
    asked = (
        r"(?i)\b(?:write|generate|create|compose|draft|produce|suggest|pose|ask|come\s+up\s+with|rephrase|"
        rf"rewrite|return|output|make|give|invent|continue)\b[^.\n]{{0,80}}\b{re.escape(other['sort'])}"
    )
    return re.search(asked, said) is None


def _without_user(tree: LintTree, prompt: Prompt) -> Iterator[Finding]:
    texts = [variable for variable in prompt.variables.values() if is_input(variable)]
    document = tree.documents.get(prompt.location.file)
    if not texts or document is None or document.value.get("messages") is None:
        return
    yield RULE.at(
        tree.key(Part(document, ("messages",), None)),
        "this prompt has no user message",
        hint=f"add one that contains {{{{ {texts[0].name} }}}}",
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


RULE = Rule(
    code="TPL211",
    name="no-input",
    summary="a prompt without a user message, or with an input label and nothing after it",
    severity="warning",
    check=check,
)
