"""Allow chat-markup: a chat template's own tokens in a message.

## What it does
Reports, once per message, tokens that mark turns for a model: `<|im_start|>`, `<|eot_id|>`, `[INST]`,
`<<SYS>>`, `<start_of_turn>` and the like, in prompts of `style: chat`, outside of code. Qwen3's
switches `/think` and `/no_think` at the end of a line are a warning.

## Why is this bad?
The chat template, or the vendor, adds these tokens to every message. If the message contains them
too, the turn ends early or is marked twice, and a different model reads them as text. Qwen3's
switches mean nothing to other models.

## Example
```yaml
messages:
  - role: system
    content: |
      <|im_start|>system
      You sort messages into queues.<|im_end|>
```

## Use instead
```yaml
messages:
  - role: system
    content: You sort messages into queues.
```
If the text is sent as it is, without a chat template, set `style: completion`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.prompts import prompts_asked
from tetrad.lint.prose import prose_of
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree

_TOKENS = r"""(?x)
    <\|(?: im_start | im_end | im_sep | eot_id | eom_id | start_header_id | end_header_id
        | begin_of_text | end_of_text | endoftext | endofprompt | startoftext
        | system | user | assistant | end | return | channel | start | message | call
        | START_OF_TURN_TOKEN | END_OF_TURN_TOKEN | USER_TOKEN | CHATBOT_TOKEN | SYSTEM_TOKEN
        )\|>
    | <(?:start|end)_of_turn>
    | \[/?INST\] | <</?SYS>>"""
_SIGNS = ("<|", "INST]", "SYS>>", "_of_turn>", "/think", "/no_think")
_SWITCH = r"(?<!\S)/(?:no_)?think(?=[ \t]*(?:\n|\Z))"


def check(tree: LintTree) -> Iterator[Finding]:
    for prompt in prompts_asked(tree):
        for index, message in enumerate(prompt.messages if prompt.style == "chat" else ()):
            content = message.content
            if not any(sign in content for sign in _SIGNS):
                continue
            text = prose_of(content)
            token = re.search(_TOKENS, text)
            if token is not None:
                yield RULE.at(
                    tree.within_message(message, index, *token.span()),
                    f"{token[0]} is written by the chat template",
                    hint="remove the markup: the message's role says who is speaking",
                )
            switch = re.search(_SWITCH, text)
            if switch is not None:
                yield RULE.at(
                    tree.within_message(message, index, *switch.span()),
                    f"{switch[0]} is a switch of Qwen3, and plain text to every other model",
                    hint="remove it unless the prompt is for Qwen3 alone",
                    severity="warning",
                )


RULE = Rule(
    code="TPL209",
    name="chat-markup",
    summary="tokens of a chat template in a message",
    check=check,
)
