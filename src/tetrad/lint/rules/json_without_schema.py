"""Allow json-without-schema: a JSON answer without a schema.

## What it does
Reports prompts with `output: {format: json}` and no `schema:`. A prompt without `output:` that asks
for JSON in words ("respond with a JSON object") gets one warning, at those words.

## Why is this bad?
The code that parses the answer relies on keys that nothing guarantees, and decoding cannot be
constrained to them (OWASP LLM05, improper output handling).

## Example
```yaml
output: {format: json}
```

## Use instead
```yaml
output:
  format: json
  schema:
    type: object
    properties: {queue: {enum: [billing, delivery]}}
    required: [queue]
    additionalProperties: false
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.asked_json import asked_json
from tetrad.lint.finding import Finding
from tetrad.lint.prompts import prompts_asked
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.model import Output, Prompt


def check(tree: LintTree) -> Iterator[Finding]:
    yield from _without_schema(tree)
    suites = tree.repository.suites.values()
    judging = {j.prompt.ref for suite in suites for j in suite.judges.values() if j.prompt}
    for prompt in prompts_asked(tree):
        if prompt.output == Output() and prompt.ref not in judging:  # whose answers have a schema
            yield from _asked_in_words(tree, prompt)


def _asked_in_words(tree: LintTree, prompt: Prompt) -> Iterator[Finding]:
    for index, message in enumerate(prompt.messages):
        asked = asked_json(message.content) if message.role != "assistant" else None
        if asked is not None:
            yield RULE.at(
                tree.within_message(message, index, asked.start, asked.end),
                "the prompt asks for JSON in words, and has no output:",
                hint="add output: {format: json, schema: …} with a JSON Schema of the answer",
                severity="warning",
            )
            return


def _without_schema(tree: LintTree) -> Iterator[Finding]:
    for prompt in tree.components("prompt"):
        output = prompt.get("output")
        form = prompt.get("output", "format")
        if output is None or form is None or form.value != "json":
            continue
        if output.get("schema") is None:
            yield RULE.at(
                tree.value(form),
                "the answer is JSON without a schema",
                hint="add schema: with a JSON Schema of the answer",
            )


RULE = Rule(
    code="OUT701",
    name="json-without-schema",
    summary="a JSON answer without a schema; a warning if only the text asks for JSON",
    check=check,
)
