"""Allow repeated-paragraph: a paragraph that occurs twice in a prompt.

## What it does
Reports paragraphs and list items of at least 80 characters that occur twice in a prompt, ignoring
case and spacing. Code, JSON, branches of conditions, assistant messages and few-shot examples are
not compared.

## Why is this bad?
Every request pays for both copies, and if only one of them is edited, the prompt contradicts itself.

## Example
```yaml
messages:
  - role: system
    content: |
      Answer only from the documents, and name the document that each of your claims comes from.

      You help employees with questions about leave.

      Answer only from the documents, and name the document that each of your claims comes from.
```

## Use instead
```yaml
messages:
  - role: system
    content: |
      You help employees with questions about leave.

      Answer only from the documents, and name the document that each of your claims comes from.
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tetrad.lint.fences import branches_of
from tetrad.lint.finding import Finding
from tetrad.lint.prompts import prompts_asked
from tetrad.lint.prose import prose_of
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import Prompt, PromptMessage

_SHORTEST = 80
_FEWEST_WORDS = 12
_LEAST_PROSE = 0.9  # of the characters: letters, spaces and what stands between words
_PARAGRAPH = r"(?m)^[^\S\n]*\S[^\n]*(?:\n(?![ \t]*(?:\n|\Z|[-*+•|<#>]|\d+[.)]\s))[^\n]*)*"
_BULLET = r"[\s*+•>-]*(?:\d+[.)]\s*)?[*_]*"
_NO_PROSE = r"[^\w\s,.:;!?'’()-]"
_BEGINS = r"[^\W\d_][^|{}]*[^|{}\s]"  # a word, and no columns after it
# What a record or an example begins with; words that stress an instruction are none of these.
_LABEL = r"(?!(?i:important|critical|note|remember|warning|always|never|rule)\b)[\w ]{1,30}:\s"


class _Paragraph(NamedTuple):
    message: int
    start: int
    end: int


def check(tree: LintTree) -> Iterator[Finding]:
    for prompt in prompts_asked(tree):
        if sum(len(message.content) for message in prompt.messages) < 2 * _SHORTEST:
            continue
        found: dict[str, list[_Paragraph]] = {}
        for index, message in enumerate(prompt.messages):
            for text, paragraph in _paragraphs(index, message):
                found.setdefault(text, []).append(paragraph)
        # What is said more often belongs to the pattern of solved examples.
        pairs = [pair for pair in found.values() if len(pair) == 2]
        pairs = [pair for pair in pairs if not _is_answered(prompt, pair)]
        if pairs:
            yield _finding(tree, prompt, pairs)


def _paragraphs(index: int, message: PromptMessage) -> Iterator[tuple[str, _Paragraph]]:
    """The paragraphs of a message that are prose, each with its text as it is compared."""
    content = message.content
    if message.role == "assistant" or len(content) < _SHORTEST:
        return
    paragraphs = list(re.finditer(_PARAGRAPH, content))
    long = [found for found in paragraphs if found.end() - found.start() >= _SHORTEST]
    if not long:
        return
    branches = branches_of(content)
    prose = prose_of(content)
    for found in long:
        bullet = re.match(_BULLET, found[0])
        start = found.start() + (bullet.end() if bullet else 0)
        text = " ".join(content[start : found.end()].split())
        if _is_prose(text, " ".join(prose[start : found.end()].split())) and not any(
            begin <= start < end for begin, end in branches
        ):
            yield text.casefold(), _Paragraph(index, start, found.end())


def _is_prose(text: str, prose: str) -> bool:
    """Whether a paragraph is long enough without its code and its variables, and made of sentences."""
    if len(prose) < _SHORTEST or len(prose.split()) < _FEWEST_WORDS or re.match(_LABEL, text):
        return False
    if not re.fullmatch(_BEGINS, prose) or "://" in prose:
        return False
    return len(re.findall(_NO_PROSE, text)) <= (1 - _LEAST_PROSE) * len(text)


def _is_answered(prompt: Prompt, pair: list[_Paragraph]) -> bool:
    """Whether an answer stands between the two: a solved example asks as the question does."""
    between = prompt.messages[pair[0].message : pair[1].message]
    return any(message.role == "assistant" for message in between)


def _finding(tree: LintTree, prompt: Prompt, pairs: list[list[_Paragraph]]) -> Finding:
    earlier, later = min(pairs, key=lambda pair: pair[1])
    message = prompt.messages[later.message]
    first = tree.within_message(
        prompt.messages[earlier.message], earlier.message, earlier.start, earlier.end
    )
    end = message.content.find("\n", later.start, later.end)
    others = len(pairs) - 1
    more = f", and so {'is' if others == 1 else 'are'} {others:,} more" if others else ""
    return RULE.at(
        tree.within_message(message, later.message, later.start, end if end >= 0 else later.end),
        f"the paragraph on line {first.span.line} is repeated here{more}",
        hint="keep one of the two",
    )


RULE = Rule(
    code="STY993",
    name="repeated-paragraph",
    summary="a paragraph that occurs twice in a prompt",
    severity="warning",
    check=check,
)
