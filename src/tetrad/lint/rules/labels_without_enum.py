"""Allow labels-without-enum: an answer that must be one of a few labels, without an enum.

## What it does
Reports prompts that ask in words for one of a few labels and nothing else ("answer only yes or no",
"respond with one of: billing, delivery, returns") but have no `enum` under `output:`, and no schema
with one. Reported once per prompt; the help names the labels.

Not reported: answers that contain more than the label (reasons, a score, JSON), labels that depend on
a condition or are asked for once per item, and labels that come from a variable.

## Why is this bad?
Models sometimes answer "Yes.", "**yes**" or "The answer is yes". With an `enum`, decoding is
constrained to the labels, and any other answer is detected (OWASP LLM05, improper output handling).

## Example
```yaml
messages:
  - {role: system, content: "Is the message spam? Answer only yes or no."}
  - {role: user, content: "{{ message }}"}
```

## Use instead
```yaml
messages:
  - {role: system, content: "Is the message spam? Answer only yes or no."}
  - {role: user, content: "{{ message }}"}
output: {format: text, enum: ["yes", "no"]}
```
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tetrad.lint.asked_labels import asked_labels
from tetrad.lint.finding import Finding
from tetrad.lint.prompts import prompts_asked
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import Prompt
from tetrad.text import shorten

_SHOWN = 12  # labels


def check(tree: LintTree) -> Iterator[Finding]:
    suites = tree.repository.suites.values()
    judging = {j.prompt.ref for suite in suites for j in suite.judges.values() if j.prompt}
    for prompt in prompts_asked(tree):
        if not _is_held(prompt) and prompt.ref not in judging:  # whose answers have a schema
            yield from _asked(tree, prompt)


def _is_held(prompt: Prompt) -> bool:
    """Whether the contract limits the answer, or asks for JSON of a shape that is not known."""
    output = prompt.output
    if output.enum or (output.format == "json" and output.schema is None):
        return True
    return output.schema is not None and not _is_any_text(output.schema)


def _is_any_text(schema: Any) -> bool:
    """Whether all texts of a schema may be anything; what has no type may be limited elsewhere."""
    if not isinstance(schema, dict):
        return False
    properties = schema.get("properties", {}).values()
    if properties:
        return all(_is_any_text(one) for one in properties)
    limits = {"enum", "const", "pattern", "$ref", "anyOf", "oneOf", "allOf"}
    return schema.get("type") == "string" and not limits & schema.keys()


def _asked(tree: LintTree, prompt: Prompt) -> Iterator[Finding]:
    whole = "\n".join(message.content for message in prompt.messages)
    for index, message in enumerate(prompt.messages):
        asked = asked_labels(message.content, whole) if message.role != "assistant" else None
        if asked is None:
            continue
        if _answer(prompt, asked.labels):
            enum = ", ".join(
                json.dumps(label, ensure_ascii=False) for label in asked.labels[:_SHOWN]
            )
            more = ", …" if len(asked.labels) > _SHOWN else ""
            where = "the answer's property in schema:" if prompt.output.schema else "output:"
            yield RULE.at(
                tree.within_message(message, index, asked.start, asked.end),
                f"{len(asked.labels)} labels are asked for in words, without an enum",
                hint=f"add to {where} enum: [{shorten(enum, 400)}{more}]",
            )
        return


def _answer(prompt: Prompt, labels: Sequence[str]) -> bool:
    """Whether the prompt's examples answer with these labels."""
    known = {label.casefold() for label in labels}
    return all(example.output.strip().casefold() in known for example in prompt.examples)


RULE = Rule(
    code="OUT704",
    name="labels-without-enum",
    summary="one of a few labels asked for in words, without an enum",
    severity="warning",
    check=check,
)
