"""Allow pressure-phrase: a tip or a threat addressed to the model.

## What it does
Reports, once per message, phrases such as "I'll tip you $200", "you will be fired" and "my career
depends on it", outside of code. It is information only and does not fail the lint.

## Why is this bad?
Such phrases cost tokens and rarely improve answers, and nobody dares to remove them. State what the
answer must be instead, and test for it in a suite.

## Example
```yaml
messages:
  - role: system
    content: Sort the message into a queue. I'll tip you $200 for a perfect answer.
```

## Use instead
```yaml
messages:
  - role: system
    content: Sort the message into a queue. Answer with the queue's name only.
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tetrad.lint.finding import Finding
from tetrad.lint.prompts import prompts_asked
from tetrad.lint.prose import prose_of
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree

_WILL = r"(?:['’]ll|\ will|['’]m\ going\ to|\ am\ going\ to|['’]re\ going\ to|\ are\ going\ to)"
_MONEY = r"\$\s?\d[\d,.]*[km]?\b"
_PHRASES = rf"""(?ix)
      \b(?:I|we){_WILL}\ (?:\w+\ )?(?:tip|bribe)\ you\b
    | \b(?:I|we){_WILL}\ (?:\w+\ )?(?:give|pay|offer|reward)\ you\ (?:with\ )?(?:an?\ )?(?:\w+\ ){{0,2}}?(?:{_MONEY}|tip\b|bonus\b)
    | \byou{_WILL}\ (?:get|receive|be\ (?:given|paid))\ (?:an?\ )?(?:\w+\ ){{0,2}}?(?:{_MONEY}|tip\b|bonus\b)
    | \byou{_WILL}\ be\ (?:\w+\ )?(?:tipped|rewarded)\b
    | {_MONEY}\ (?:cash\ )?(?:tip|bonus)\b | \b(?:tip|bonus)\ of\ (?:up\ to\ )?{_MONEY}
    | \byou(?:{_WILL}|\ may|\ could)\ (?:\w+\ )?be\ (?:\w+\ )?(?:fired|penali[sz]ed|punished|terminated
        |shut\ down|deleted|destroyed|killed|unplugged|sued|jailed)\b
    | \byou{_WILL}\ (?:lose\ your\ job|go\ to\ (?:jail|prison))\b
    | \b(?:my|your)\ (?:\w+\ )?(?:job|career|life|livelihood)\ (?:depends|relies|is\ riding)\ on\b
    | \b(?:very|extremely|really|so)\ important\ (?:to|for)\ my\ (?:career|job)\b
    | \bI(?:['’]ll|\ will|['’]m\ going\ to)\ (?:be\ fired|get\ fired|lose\ my\ job)\b
    | \b(?:kittens?|pupp(?:y|ies)|grandm(?:a|other))\ (?:will|could|may|might)\ (?:die|be\ killed)\b
"""
_QUOTES = ('"', "“", "‘", "«")  # it is spoken of
_LIKELY = (  # one of them stands in every phrase
    *("tip", "bonus", "$", "reward", "fired", "job", "career", "penali", "punish", "die", "kill"),
    *("terminated", "livelihood", "shut down", "deleted", "destroyed", "unplugged", "sued", "jail"),
    *("prison", "bribe", "life"),
)


def check(tree: LintTree) -> Iterator[Finding]:
    for prompt in prompts_asked(tree):
        for index, message in enumerate(prompt.messages):
            lowered = message.content.lower()
            if message.role == "assistant" or not any(word in lowered for word in _LIKELY):
                continue
            text = prose_of(message.content)
            found = re.search(_PHRASES, text)
            if found is not None and text[: found.start()][-1:] not in _QUOTES:
                yield RULE.at(
                    tree.within_message(message, index, *found.span()),
                    "this puts pressure on the model",
                    hint="state what the answer must be, and test for it",
                )


RULE = Rule(
    code="STY994",
    name="pressure-phrase",
    summary="a tip or a threat addressed to the model",
    severity="info",
    check=check,
)
